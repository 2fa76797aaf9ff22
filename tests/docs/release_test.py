"""release_test.py [LLMQ]: what a release needs agrees and can be made: versions, checksums, bill of materials, and the
commands that the workflows call."""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LLMQ = sys.argv.pop() if len(sys.argv) > 1 else str(ROOT / "build/release/llmq")


def run(*arguments):
    """Exit code and output."""
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Release(unittest.TestCase):
    """tools/release."""

    def test_all_packages_have_the_version_of_the_header(self):
        code, said = run(sys.executable, "-B", "tools/release/version.py")
        self.assertEqual(0, code, said)
        self.assertRegex(said, r"^\d+\.\d+\.\d+\n$")

    def test_a_tag_of_another_version_is_refused(self):
        code, said = run(sys.executable, "-B", "tools/release/version.py", "--tag", "v9.9.9")
        self.assertEqual(1, code, said)
        self.assertIn("the tag is v9.9.9", said)

    @unittest.skipUnless((ROOT / ".git").exists(), "SKIP: optional data: no git checkout")
    def test_checksums_and_bill_of_materials(self):
        with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as other:
            folder = Path(name)
            (folder / "package.deb").write_bytes(b"package")
            version = Path(other) / "version.txt"
            version.write_text(run(LLMQ, "--version")[1], encoding="utf-8")
            code, said = run(sys.executable, "-B", "tools/release/finish.py", name, version)
            self.assertEqual(0, code, said)
            sums = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
            self.assertEqual({path.name for path in folder.iterdir()} - {"SHA256SUMS"}, set(sums))
            for file, digest in sums.items():
                self.assertEqual(digest, hashlib.sha256((folder / file).read_bytes()).hexdigest())
            number = run(sys.executable, "-B", "tools/release/version.py")[1].strip()
            bill = json.loads((folder / f"llmq-{number}.spdx.json").read_text())
            self.assertEqual("SPDX-2.3", bill["spdxVersion"])
            # The parts, those that are linked, and no library that only libcurl knows of.
            parts = {*Parts.COMPILED_IN.values(), *Parts.CARRIED.values(), "libcurl", "libmicrohttpd"}
            self.assertEqual({"llmq", *parts}, {one["name"] for one in bill["packages"]})
            for one in bill["packages"]:
                self.assertRegex(one["versionInfo"], r"^\d+\.\d+", one["name"])
                self.assertNotEqual("NOASSERTION", one["licenseDeclared"], one["name"])
            self.assertIn("./package.deb", {one["fileName"] for one in bill["files"]})
            again = (folder / "SHA256SUMS").read_bytes()
            run(sys.executable, "-B", "tools/release/finish.py", name, version)
            self.assertEqual(again, (folder / "SHA256SUMS").read_bytes())


class Parts(unittest.TestCase):
    """packaging/NOTICE: what is compiled in is named, with its authors and its licence."""

    COMPILED_IN = {"date": "date-tz", "spdlog": "spdlog", "fmt": "fmt", "CLI": "CLI11"}
    CARRIED = {"uv.h": "libuv", "cjson": "cJSON"}  # by the library in packages of other languages
    LINKED = {"curl", "microhttpd.h"}
    SYSTEM = {"sys", "netinet", "arpa"}

    def others(self):
        """The libraries whose headers are included: by folder, or by file where they have none."""
        found = set()
        for folder in ("src", "capi"):
            for path in (ROOT / folder).rglob("*.[ch]*"):
                found |= set(re.findall(r"^ *# *include <([^>]+)>", path.read_text(encoding="utf-8"), re.M))
        known = {"llmq", *self.SYSTEM}
        plain = {name for name in found if "/" not in name}
        system = {name for name in plain if "." not in name or self.of_libc(name)}
        return {name.split("/")[0] for name in found - plain} - known | plain - system

    @staticmethod
    def of_libc(header):
        """Is it of C, of POSIX, or of Windows?"""
        return header in {"windows.h", "winsock2.h", "ws2tcpip.h", "pthread.h", "unistd.h", "fcntl.h", "poll.h", "signal.h",
                          "time.h", "dlfcn.h", "stdint.h", "stddef.h", "stdbool.h", "netdb.h", "io.h"}

    def test_each_part_is_named_with_its_authors(self):
        notice = (ROOT / "packaging/NOTICE").read_text(encoding="utf-8")
        head = notice[:notice.index("\nMIT License\n")]
        parts = dict(re.findall(r"^(\S+) {2,}(.*\n(?: +.*\n)*)", head, re.M))
        spoken_for = {**self.COMPILED_IN, **self.CARRIED}
        self.assertEqual(set(spoken_for.values()), set(parts))
        for name, text in parts.items():
            self.assertIn("Copyright", text, name)
            for licence in re.findall(r"; (.+ License)$", text, re.M):
                self.assertIn(f"\n{licence}\n\n", notice[len(head):], name)
            self.assertRegex(text, r"; .+ License\n", name)

    def test_each_library_whose_headers_are_included_is_spoken_for(self):
        known = {*self.COMPILED_IN, *self.CARRIED, *self.LINKED}
        self.assertEqual(known, self.others())

    def test_who_mends_what_is_told(self):
        told = (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("## Dependencies")[1]
        for name in (*self.COMPILED_IN.values(), *self.CARRIED.values(), "libcurl", "libmicrohttpd"):
            self.assertIn(name, told)


class Workflows(unittest.TestCase):
    """.github/workflows: what they call is there."""

    def lines(self):
        """(file, line) of all of them."""
        for path in sorted([*(ROOT / ".github/workflows").glob("*.yml"), *(ROOT / ".github/actions").glob("*/action.yml")]):
            yield from ((path.name, line) for line in path.read_text(encoding="utf-8").splitlines())

    def test_commands_exist(self):
        commands = set(re.findall(r"^dev_(\w+)\(\)", (ROOT / "dev").read_text(encoding="utf-8"), re.M))
        called = {word for _, line in self.lines() for word in re.findall(r"\./dev (\w+)", line)}
        self.assertLessEqual({"build", "test"}, called)
        self.assertLessEqual(called, commands)

    def test_scripts_exist(self):
        called = {word for _, line in self.lines() for word in re.findall(r"\b((?:tools|bindings)/[\w./-]+\.\w+)", line)}
        self.assertTrue(called)
        self.assertEqual([], [name for name in sorted(called) if not (ROOT / name).exists()])

    def test_a_release_is_rehearsed_with_its_own_scripts(self):
        release = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
        rehearsal = (ROOT / "tools/release/rehearse.sh").read_text(encoding="utf-8")
        called = set(re.findall(r"tools/release/([\w.]+)", release))
        self.assertLessEqual({"version.py", "documents.sh", "finish.py", "publish.sh"}, called)
        self.assertEqual([], [script for script in sorted(called) if script not in rehearsal])
        for registry in re.findall(r"publish\.sh (\w+)", release):
            self.assertRegex(rehearsal, rf'publish\.sh" {registry} "\$work/dist" --dry-run')
        # Each job that publishes is rehearsed or said to be done by the workflow alone.
        names = {"pypi": "PyPI", "npm": "npm", "rubygems": "RubyGems", "crates": "crates.io", "github-pages": "documents"}
        for environment in re.findall(r"environment:\s+(?:name: )?([\w-]+)", release):
            self.assertIn(f'elsewhere "{names[environment]}', rehearsal)

    def test_an_unknown_registry_is_refused(self):
        code, said = run("tools/release/publish.sh", "cpan", ".")
        self.assertEqual(1, code, said)
        self.assertIn("no registry cpan", said)

    def test_the_bill_of_materials_is_named_by_its_path(self):
        release = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
        (path,) = re.findall(r"sbom-path: *(.+?)(?: +#.*)?$", release, re.M)
        self.assertNotRegex(path, r"[*?\[]", "the action takes one path and no pattern")
        step = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", path)
        self.assertIn(f"id: {step[1]}\n", release)
        said = f'echo "{step[2]}=release/llmq-$(tools/release/version.py).spdx.json" >>"$GITHUB_OUTPUT"'
        self.assertIn(said, release)

    def test_cells_that_may_fail_are_those_that_have_not_passed(self):
        text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
        may_fail = json.loads(re.search(r"continue-on-error: .*fromJSON\('(\[.*?\])'\)", text)[1])
        table = (ROOT / "docs/portability.md").read_text(encoding="utf-8")
        rows = dict(re.findall(r"^\| `([^`]+)` \| [^|]* \| (passed|failed) \|", table, re.M))
        cells = re.search(r"^        cell:\n((?:          - .*\n)+)", text, re.M)[1].split()[1::2]
        self.assertEqual(set(rows) - {"full"}, set(cells))
        self.assertEqual([], [cell for cell in may_fail if rows[cell] == "passed"])

    def test_actions_have_a_version(self):
        for file, line in self.lines():
            if "uses: ./" in line:
                self.assertTrue((ROOT / line.split("uses: ")[1].split()[0] / "action.yml").exists(), line)
            elif "uses:" in line:
                self.assertRegex(line, r"uses: [\w./-]+@(v\d|release/v\d)", file)


if __name__ == "__main__":
    unittest.main()

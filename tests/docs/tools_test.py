"""tools_test.py BUILD: the checks of the documents fail where they should."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(sys.argv.pop()) if len(sys.argv) > 1 else SOURCE / "build/release"
GOOD_C = "```c\nint main(void) { return 0; }\n```\n"


def run(tool, *arguments, **environment):
    """Exit code and output of a tool."""
    done = subprocess.run([sys.executable, "-B", SOURCE / "tools/docs" / tool, *arguments],
                          env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Case(unittest.TestCase):
    """A folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, text, name="page.md"):
        """A document."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


class Snippets(Case):
    """snippets.py."""

    def result(self, text, **environment):
        """What it makes of a document."""
        return run("snippets.py", self.write(text), "--source", SOURCE, "--build", BUILD, "--work", self.folder / "work",
                   **environment)

    def test_good_blocks(self):
        code, said = self.result(
            GOOD_C + "```sh\necho 1 >a\n```\n```sh\ntest -f a; llmq --version\n```\n```text\n?\n```\n"
            + '```json\n{"models": [{"name": "m", "rpm": 5}]}\n```\n')
        self.assertEqual(0, code, said)
        self.assertIn("4 blocks run, 0 failed", said)

    def test_bad_blocks(self):
        for block, why in (
            ("```c\nint main(void) { return x; }\n```\n", "does not compile"),
            ("```c\nint main(void) { int unused; return 0; }\n```\n", "does not compile"),
            ("```c\nint main(void) { return 3; }\n```\n", "ended with 3"),
            ("```sh\nfalse\ntrue\n```\n", "ended with 1"),
            ("```sh\necho $nothing\n```\n", "unbound variable"),
            ("```json\n{,}\n```\n", "does not parse"),
            ('```json\n{"models": [{"name": "m", "rmp": 5}]}\n```\n', "is not a key"),
            ("```jsonl\n{}\n{\n```\n", "does not parse"),
            ("```cobol\n```\n", "nobody knows"),
            ("<!-- snippet: says=yes -->\n```sh\necho no\n```\n", "does not say"),
            ("<!-- snippet: exit=2 -->\n```sh\ntrue\n```\n", "ended with 0"),
            ("<!-- snippet: skipp=x -->\n```sh\ntrue\n```\n", "a mark is one of"),
            ("<!-- snippet: exit=2 -->\n\n```sh\ntrue\n```\n", "on the line before its block"),
            ("```sh\ntrue\n", "has no end"),
        ):
            with self.subTest(block=block):
                code, said = self.result(block)
                self.assertEqual(1, code, said)
                self.assertIn(why, said)

    def test_a_language_that_is_not_there_is_a_skip(self):
        self.folder.joinpath("empty").mkdir()
        block = "```js\nlet a = 1;\n```\n"
        code, said = self.result(block, PATH=str(self.folder / "empty"))
        self.assertEqual(77, code, said)
        self.assertIn("\nSKIP: there is no node\n", said)
        code, said = self.result(block + "```json\n{,}\n```\n", PATH=str(self.folder / "empty"))
        self.assertEqual(1, code, said)

    def test_what_is_not_run_says_why(self):
        code, said = self.result("<!-- snippet: skip=needs a key -->\n```sh\nfalse\n```\n")
        self.assertEqual(0, code, said)
        self.assertIn("not run: needs a key", said)


class Links(Case):
    """links.py."""

    def test_good_links(self):
        self.write("# A b, `c`\n## A\n## A\n", "other.md")
        self.write("[x](other.md#a-b-c) [y](other.md#a-1) [z](https://example.org/#no) `[no](no.md)`\n"
                   "# Here\n[h](#here)\n```\n[no](no.md)\n```\n")
        code, said = run("links.py", self.folder)
        self.assertEqual(0, code, said)

    def test_bad_links(self):
        self.write("# Other\n", "other.md")
        for text, why in (("[x](none.md)", "no such file"), ("[x](other.md#none)", "no such heading"),
                          ("[x](#none)", "no such heading"), ("[x](/etc/passwd)", "no such file"),
                          ("`docs/" + "none.md`", "no such document"), ("![x](none.svg)", "no such file"), ("`src/none`", "no such source"),
                          ("`none.cc`", "no such source")):
            with self.subTest(text=text):
                self.write(text + "\n")
                code, said = run("links.py", self.folder)
                self.assertEqual(1, code, said)
                self.assertIn(why, said)

    def test_a_site_in_a_folder_that_git_ignores_is_looked_at(self):
        subprocess.run(["git", "init", "-q", self.folder], check=True)
        self.write("build/\n", ".gitignore")
        site = self.folder / "build/site"
        site.mkdir(parents=True)
        code, said = run("links.py", site, SOURCE)
        self.assertEqual(1, code, said)
        self.assertIn("there are no documents", said)
        (site / "page.md").write_text("[x](none.md)\n", encoding="utf-8")
        code, said = run("links.py", site, SOURCE)
        self.assertEqual(1, code, said)
        self.assertIn("no such file", said)

    def test_sources_may_lie_elsewhere(self):
        self.write("`src/runtime/loop.cc` `docs/" + "none.md`\n")
        self.assertEqual(1, run("links.py", self.folder)[0])
        self.write("`src/core/` `engine.h`\n")
        code, said = run("links.py", self.folder, SOURCE)
        self.assertEqual(0, code, said)


class Site(Case):
    """site.py."""

    URL = "https://example.org/files"

    def site(self, root):
        """The site that is made of a tree."""
        code, said = run("site.py", root, self.folder / "site", self.URL)
        self.assertEqual(0, code, said)
        return self.folder / "site"

    def test_all_links_of_the_documents_as_a_site_lead_somewhere(self):
        site = self.site(SOURCE)
        (site / "html").mkdir()
        (site / "html/index.html").write_text("made from the header\n", encoding="utf-8")
        code, said = run("links.py", site, SOURCE)
        self.assertEqual(0, code, said)
        self.assertIn("](getting_started.md)", (site / "index.md").read_text(encoding="utf-8"))
        self.assertNotIn("](../../", (site / "guides/execution_modes.md").read_text(encoding="utf-8"))

    def test_where_links_lead(self):
        root = self.folder / "root"
        (root / "docs/guides").mkdir(parents=True)
        (root / "docs/img").mkdir()
        (root / "docs/img/a.svg").write_text("", encoding="utf-8")
        (root / "README.md").write_text(
            "[a](docs/doctor.md#b) [c](CHANGELOG.md) ![i](docs/img/a.svg) [w](https://example.org) `[x](docs/doctor.md)`\n"
            "```\nf({{1, 2}}); [y](docs/doctor.md)\n```\n", encoding="utf-8")
        (root / "docs/doctor.md").write_text("[r](../README.md) [s](../src/x.cc) [g](guides/limits.md) [h](#h)\n", encoding="utf-8")
        (root / "docs/guides/limits.md").write_text("[a](../doctor.md#b) [b](../../bindings/README.md)\n", encoding="utf-8")
        site = self.site(root)
        self.assertEqual(
            [f"[a](doctor.md#b) [c]({self.URL}/CHANGELOG.md) ![i](img/a.svg) [w](https://example.org) `[x](docs/doctor.md)`",
             "```", "{% raw %}f({{1, 2}}); [y](docs/doctor.md){% endraw %}", "```"], (site / "index.md").read_text(encoding="utf-8").splitlines()[:4])
        self.assertEqual(f"[r](index.md) [s]({self.URL}/src/x.cc) [g](guides/limits.md) [h](#h)\n",
                         (site / "doctor.md").read_text(encoding="utf-8"))
        self.assertEqual(f"[a](../doctor.md#b) [b]({self.URL}/bindings/README.md)\n",
                         (site / "guides/limits.md").read_text(encoding="utf-8"))
        self.assertTrue((site / "img/a.svg").exists())


if __name__ == "__main__":
    unittest.main()

"""skips_test.py: what a skip comes to, of a test (tools/run_tests.sh) and of a binding's lint (tools/lint_bindings.sh)."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
# CTest as far as run_tests.sh knows it: one test passed, and one was skipped for $REASON.
CTEST = """#!/usr/bin/env bash
while (($# > 0)); do [[ $1 != --output-junit ]] || to=$2; shift; done
{
  echo '<testcase name="good" status="run">'
  echo '</testcase>'
  echo '<testcase name="bindings.x" status="notrun">'
  echo "SKIP: $REASON"
  echo '</testcase>'
} >"$to"
"""
OWNED = "#!/bin/sh\nexit 0\n"  # dpkg-query: a package has that file
FOREIGN = "#!/bin/sh\nexit 1\n"
OLD_CARGO = "cargo 1.63.0 is older than 1.85"


class Case(unittest.TestCase):
    """A checkout that has a script, and programs that stand in for others."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in ("tools", "bin", "build/release"):
            (self.root / name).mkdir(parents=True)

    def program(self, name, text):
        """An executable of the checkout."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def run_script(self, name, *arguments, **environment):
        """Exit code, and lines of output."""
        shutil.copy(SOURCE / "tools" / name, self.root / "tools")
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run([self.root / "tools" / name, *arguments], env={**os.environ, "PATH": path, **environment},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout.splitlines()


class Tests(Case):
    """run_tests.sh."""

    def result(self, reason, owner, fail_on_skip="yes"):
        """What it makes of a skip."""
        self.program("bin/ctest", CTEST)
        self.program("bin/cargo", "")
        self.program("bin/go", "")
        self.program("bin/dpkg-query", owner)
        return self.run_script("run_tests.sh", "release", fail_on_skip, REASON=reason)

    def test_a_skip_that_this_machine_could_have_run_fails(self):
        for reason, owner in (("there is no ruby", OWNED), (OLD_CARGO, FOREIGN), ("python3 is older than 3.9", OWNED)):
            with self.subTest(reason=reason):
                code, said = self.result(reason, owner)
                self.assertEqual(1, code, said)
                self.assertIn("1 passed, 0 failed, 1 skipped", said)
                self.assertEqual(0, self.result(reason, owner, "no")[0])

    def test_a_toolchain_that_the_distribution_has_only_too_old_is_named(self):
        for reason in (OLD_CARGO, "go1.19.8 is older than go1.21"):
            with self.subTest(reason=reason):
                code, said = self.result(reason, OWNED)
                self.assertEqual(0, code, said)
                self.assertIn(f"missing toolchain, this system's packages have no newer one: bindings.x: {reason}", said)
                self.assertEqual("1 passed, 0 failed, 1 skipped", said[-1])


class Lints(Case):
    """lint_bindings.sh."""

    def result(self, code):
        """Two bindings, of which the first ends with that code."""
        self.program("bindings/a/lint.sh", f"#!/bin/sh\necho 'SKIP: {OLD_CARGO}'\nexit {code}\n")
        self.program("bindings/b/lint.sh", "#!/bin/sh\necho looked at b\n")
        return self.run_script("lint_bindings.sh", self.root / "build/lint")

    def test_a_skip_is_told_at_the_end(self):
        code, said = self.result(77)
        self.assertEqual(0, code, said)
        self.assertEqual(["looked at b", "not linted:", f"  a: {OLD_CARGO}"], said[-3:])

    def test_a_failure_fails(self):
        code, said = self.result(3)
        self.assertEqual(3, code, said)
        self.assertEqual("lint_bindings: a failed", said[-1])


if __name__ == "__main__":
    unittest.main()

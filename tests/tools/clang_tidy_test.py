"""clang_tidy_test.py COMPILER: what tools/clang_tidy.py reads again, and what it knows."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
COMPILER = sys.argv.pop() if len(sys.argv) > 1 else "c++"
# Notes which files it is asked about; those with FIXME in them are not clean.
STAND_IN = """#!/bin/sh
[ "$1" != --version ] || { echo 1; exit; }
for file; do :; done
echo "$file" >>"$READ"
! grep FIXME "$file"
"""


class Checkouts(unittest.TestCase):
    """One cache, a stand-in for clang-tidy, and checkouts of the same source."""

    def setUp(self):
        self.own = self.folder("/tmp")
        self.read = self.own / "read"
        tool = self.own / "clang-tidy"
        tool.write_text(STAND_IN, encoding="utf-8")
        tool.chmod(0o755)

    def folder(self, below):
        """A folder that goes with the test."""
        folder = tempfile.TemporaryDirectory(dir=below)
        self.addCleanup(folder.cleanup)
        return Path(folder.name).resolve()

    def checkout(self, below):
        """A source of one file and its header."""
        root = self.folder(below)
        (root / "tools").mkdir()
        (root / "build").mkdir()
        shutil.copy(SOURCE / "tools/clang_tidy.py", root / "tools")
        (root / ".clang-tidy").write_text("Checks: '*'\n", encoding="utf-8")
        (root / "a.h").write_text("#include <cstddef>\n", encoding="utf-8")
        (root / "a.cc").write_text('#include "a.h"\n', encoding="utf-8")
        command = {"directory": str(root / "build"), "file": str(root / "a.cc"),
                   "command": f"{COMPILER} -I{root} -o a.o -c {root}/a.cc"}
        (root / "build/compile_commands.json").write_text(json.dumps([command]), encoding="utf-8")
        return root

    def lint(self, root):
        """Exit code, and how many files were read."""
        self.read.write_text("", encoding="utf-8")
        environment = {**os.environ, "PATH": f"{self.own}:{os.environ['PATH']}", "READ": str(self.read),
                       "XDG_CACHE_HOME": str(self.own / "cache")}
        done = subprocess.run([sys.executable, "-B", root / "tools/clang_tidy.py", root / "build", root / "a.cc"],
                              env=environment, capture_output=True, check=False)
        return done.returncode, len(self.read.read_text(encoding="utf-8").splitlines())

    def test_another_checkout_is_known_wherever_it_lies(self):
        """/tmp sorts before the folders of the system's headers, /var/tmp behind them."""
        self.assertEqual((0, 1), self.lint(self.checkout("/tmp")))
        self.assertEqual((0, 0), self.lint(self.checkout("/tmp")))
        self.assertEqual((0, 0), self.lint(self.checkout("/var/tmp")))

    def test_what_changed_is_read_again(self):
        """Also a header, and the settings."""
        root = self.checkout("/tmp")
        self.assertEqual((0, 1), self.lint(root))
        for name in ("a.h", "a.cc", ".clang-tidy"):
            with (root / name).open("a", encoding="utf-8") as file:
                file.write("\n")
            self.assertEqual((0, 1), self.lint(root), name)
            self.assertEqual((0, 0), self.lint(root), name)

    def test_what_is_not_clean_is_never_known(self):
        """Twice the same complaint."""
        root = self.checkout("/tmp")
        (root / "a.cc").write_text("// FIXME\n", encoding="utf-8")
        self.assertEqual((1, 1), self.lint(root))
        self.assertEqual((1, 1), self.lint(root))


if __name__ == "__main__":
    unittest.main()

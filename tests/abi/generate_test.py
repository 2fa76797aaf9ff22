#!/usr/bin/env python3
"""The generator of the bindings' files: drift is seen, and a header that it does not understand is refused."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "bindings" / "generate.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOOL.parent))

import generate  # noqa: E402
from header import HeaderError, parse  # noqa: E402
from names import layout  # noqa: E402

LLMQ_H = (ROOT / "include/llmq/llmq.h").read_text(encoding="utf-8")
VERSION_H = (ROOT / "include/llmq/version.h").read_text(encoding="utf-8")


class Drift(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        shutil.copytree(ROOT / "include", self.root / "include")
        for name in generate.FILES:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)

    def tearDown(self) -> None:
        self.folder.cleanup()

    def run_tool(self, *options: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-B", str(TOOL), "--root", str(self.root), *options]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def test_the_files_of_the_tree_say_what_the_header_says(self) -> None:
        done = self.run_tool("--check")
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_a_changed_constant_of_any_file_is_refused(self) -> None:
        for name in generate.FILES:
            number = "1" if name.endswith("native_functions.rb") else "-7"
            with self.subTest(name):
                path = self.root / name
                before = path.read_text(encoding="utf-8")
                after = re.sub(rf"(?<![\w-]){number}(?!\d)", "-77", before, count=1)
                if after == before:  # it has types, and no constants
                    after = before.replace("int32", "int64", 1)
                self.assertNotEqual(before, after)
                path.write_text(after, encoding="utf-8")
                done = self.run_tool("--check")
                self.assertEqual(1, done.returncode)
                self.assertIn(name, done.stdout)
                self.assertIn("run tools/bindings/generate.py", done.stdout)
                path.write_text(before, encoding="utf-8")

    def test_a_new_constant_of_the_header_is_refused_until_the_tool_has_run(self) -> None:
        last = "  LLMQ_ERR_UNKNOWN = -33 "
        self.edit("include/llmq/llmq.h", last, "  LLMQ_ERR_NEW = -34, /**< New. */\n" + last)
        done = self.run_tool("--check")
        self.assertEqual(1, done.returncode)
        self.assertIn("LLMQ_ERR_NEW = -34", done.stdout)
        self.assertEqual(0, self.run_tool().returncode)
        self.assertEqual(0, self.run_tool("--check").returncode)
        self.assertIn("ErrNew Status = -34", (self.root / "bindings/go/constants.go").read_text(encoding="utf-8"))

    def test_a_missing_file_is_refused(self) -> None:
        (self.root / "bindings/llmq.cdef").unlink()
        self.assertEqual(1, self.run_tool("--check").returncode)

    def test_a_header_that_is_not_understood_is_refused(self) -> None:
        self.edit("include/llmq/llmq.h", "LLMQ_API int64_t llmq_now_ns(void);", "extern int llmq_variable;")
        done = self.run_tool("--check")
        self.assertEqual(1, done.returncode)
        self.assertIn("not understood: 'extern int llmq_variable;'", done.stdout)


class Reading(unittest.TestCase):
    def broken(self, old: str, new: str) -> str:
        self.assertEqual(1, LLMQ_H.count(old))
        with self.assertRaises(HeaderError) as caught:
            parse(LLMQ_H.replace(old, new), VERSION_H)
        return str(caught.exception)

    def test_finds_every_name_of_the_header(self) -> None:
        header = parse(LLMQ_H, VERSION_H)
        code = re.sub(r"/\*.*?\*/", "", LLMQ_H, flags=re.S)
        constants = [constant.name for group in header.groups for constant in group.constants]
        self.assertEqual(re.findall(r"^  (LLMQ_\w+) = ", code, re.M), constants)
        functions = [function.name for function in header.functions]
        self.assertEqual(re.findall(r"LLMQ_API [^;(]*?(llmq_\w+)\(", code), functions)
        structs = {struct.name for struct in header.structs}
        self.assertEqual(set(re.findall(r"^\} (llmq_\w+);", code, re.M)), structs)

    def test_lays_structs_out_as_the_compiler_does(self) -> None:
        header = parse(LLMQ_H, VERSION_H)
        table = (ROOT / "tests/abi/layout_test.c").read_text(encoding="utf-8")
        found = re.findall(r"MEMBER\((\w+), (\w+), (\d+)\)", table)
        self.assertGreater(len(found), 80)
        for struct, member, offset in found:
            offsets = {variable.name: at for variable, at in layout(header, header.struct(struct))[1]}
            self.assertEqual(int(offset), offsets[member], f"{struct}.{member}")
        for struct, size in re.findall(r"SIZE\((\w+), \w+, (\d+)\)", table):
            self.assertGreaterEqual(layout(header, header.struct(struct))[0], int(size), struct)

    def test_nothing_goes_without_a_comment(self) -> None:
        self.assertIn("LLMQ_STATE_FAILED has no comment",
                      self.broken("/**< Its last attempt failed, or none could be made. */", ""))
        self.assertIn("llmq_request_t.tenant_len has no comment",
                      self.broken("/**< Bytes at tenant. */\n  const void", "\n  const void"))
        self.assertIn("llmq_status_name: no text for return",
                      self.broken(' * @return A static string; for unknown codes "LLMQ_ERR_?".\n', ""))
        self.assertIn("has no comment", self.broken("/** Log levels. */", ""))


class Comments(unittest.TestCase):
    """What the comments of the header name must exist."""

    def setUp(self) -> None:
        self.header = parse(LLMQ_H, VERSION_H)
        self.comments = " ".join(re.findall(r"/\*.*?\*/", LLMQ_H, re.S))

    def test_names_of_constants_exist(self) -> None:
        groups = self.header.groups
        known = {constant.name for group in groups for constant in group.constants}
        known |= {constant.name for constant in self.header.version} | {"LLMQ_VERSION_NUM", "LLMQ_LLMQ_H_"}
        prefixes = {f"LLMQ_{group.prefix}_" for group in groups} | {"LLMQ_", "LLMQ_LOG"}
        named = set(re.findall(r"\bLLMQ_[A-Z_]*", self.comments))
        self.assertGreater(len(named), 50)
        self.assertEqual(set(), named - known - prefixes)

    def test_names_of_functions_and_types_exist(self) -> None:
        known = {function.name for function in self.header.functions}
        for listed in (self.header.structs, self.header.opaques, self.header.aliases, self.header.callbacks):
            known |= {item.name for item in listed}
        named = set(re.findall(r"\bllmq_[a-z0-9_]+[a-z0-9]\b", self.comments))
        self.assertGreater(len(named), 30)
        self.assertEqual(set(), named - known - {"llmq_x_t"})

    def test_described_parameters_are_parameters(self) -> None:
        for function in self.header.functions:
            names = {param.name for param in function.params}
            for described, text in function.param_docs:
                for name in described.replace(" (out)", "").split(", "):
                    self.assertIn(name, names, function.name)
                self.assertTrue(text, function.name)

    def test_every_function_has_a_sentence_of_its_own(self) -> None:
        for function in self.header.functions:
            self.assertGreater(len(function.doc.split()), 1, function.name)
            if function.result == "llmq_status_t":
                self.assertRegex(function.tags["return"], r"LLMQ_OK|As llmq_", function.name)
        for item in self.header.structs + self.header.callbacks + self.header.opaques + self.header.aliases:
            self.assertTrue(item.doc, item.name)


if __name__ == "__main__":
    unittest.main()

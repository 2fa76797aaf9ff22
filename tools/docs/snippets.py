#!/usr/bin/env python3
"""snippets.py DOCUMENT: compiles and runs the fenced blocks of a document against the built library.

c, cpp     compiled with warnings as errors, linked with libllmq.so, run
python     run with the package of bindings/python
ruby       run with the library of bindings/ruby
js, go     parsed: what they need is built by the test.sh of the binding
sh         run by bash -eu with `llmq` in PATH, in one folder per document, so that a block finds the files of those before
json       parsed; a configuration also goes through `llmq check`
jsonl      each line is parsed
text, none are not run: output, diagrams

Each block must end with 0. A comment on the line before a block says what else is needed:

<!-- snippet: frame=NAME -->  the block is a part of a program: it takes the place of @SNIPPET@ in tests/docs/frames
<!-- snippet: file=NAME -->   it is written to that file beside the blocks that follow
<!-- snippet: exit=2 -->      it ends with that code
<!-- snippet: says=TEXT -->   its output holds TEXT
<!-- snippet: skip=WHY -->    it is not run

Several are separated by "; ". A document with a language that this machine has not is skipped, but for
its other blocks: exit code 77. Nothing leaves the machine: `llmq mock` stands for OpenAI (OPENAI_BASE_URL), all else
is kept from the network by a proxy that is not there."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import markdown  # noqa: E402

SUFFIX = {"c": ".c", "cpp": ".cc", "python": ".py", "ruby": ".rb", "js": ".mjs", "go": ".go"}
PARSERS = {"js": ["node", "--check"], "go": ["gofmt", "-e"]}
NOT_RUN = {"", "text"}
CONFIGURATION = {"models", "pools", "tenants", "max_pending", "log"}
LONGEST_S = 60
PACKAGE = """
from cffi import FFI
ffi = FFI()
ffi.cdef(open({declarations!r}).read())
ffi.set_source("llmq._cffi", None)
ffi.emit_python_code({made!r})
"""


class Failed(Exception):
    """A block that does not do what its document says."""


class Missing(Exception):
    """A language that this machine has not."""


class Snippets:
    """The blocks of one document, and where they are run."""

    def __init__(self, options):
        self.options = options
        self.work = options.work
        shutil.rmtree(self.work, ignore_errors=True)
        (self.work / "run").mkdir(parents=True)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("LLMQ_", "OPENAI_"))},
            "PATH": f"{options.build}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.work / "python"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LLMQ_LIBRARY": str(options.build / "libllmq.so"),
            "http_proxy": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }

    def serve(self):
        """Starts the mock of a provider."""
        mock = subprocess.Popen([self.options.build / "llmq", "mock"], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
        url = re.search(r"http://[\d.:]+", mock.stdout.readline())
        if url is None:
            raise Failed("llmq mock did not tell its address")
        self.environment |= {"LLMQ_MOCK": url[0], "OPENAI_BASE_URL": url[0] + "/v1"}
        return mock

    def command(self, arguments, **more):
        """Exit code and output of a program."""
        try:
            done = subprocess.run(arguments, cwd=self.work / "run", env=self.environment, timeout=LONGEST_S,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors="replace", check=False, **more)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"it ran for more than {LONGEST_S} s\n{late.output or ''}") from late
        return done.returncode, done.stdout

    def text_of(self, block):
        """The whole program of a block."""
        if "frame" not in block.marks:
            return block.text
        frame = self.options.source / "tests/docs/frames" / (block.marks["frame"] + SUFFIX[block.language])
        return frame.read_text(encoding="utf-8").replace("/* @SNIPPET@ */", block.text)

    def compiled(self, block, path):
        """Builds the program of a block."""
        options = self.options
        compiler = [options.cc, "-std=c99", "-D_POSIX_C_SOURCE=200809L"] if block.language == "c" else [
            options.cxx, "-std=c++17"]
        program = path.with_suffix("")
        code, said = self.command([
            *options.launcher, *compiler, "-O0", "-Wall", "-Wextra", "-Werror", f"-I{options.source}/include",
            "-c", path, "-o", path.with_suffix(".o")])
        if code == 0:
            code, said = self.command([options.cxx, path.with_suffix(".o"), "-o", program, f"-L{options.build}",
                                       "-lllmq", "-pthread", f"-Wl,-rpath,{options.build}"])
        if code != 0:
            raise Failed("it does not compile\n" + said)
        return [program]

    def python(self):
        """An interpreter that has what the package needs, beside which the package is put as its build would."""
        package, bindings = self.work / "python/llmq", self.options.source / "bindings"
        make = PACKAGE.format(declarations=str(bindings / "llmq.cdef"), made=str(package / "_cffi.py"))
        if not package.exists():
            shutil.copytree(bindings / "python/src/llmq", package)
        for python in (sys.executable, "/usr/bin/python3"):
            if self.command([python, "-c", make])[0] == 0:
                return python
        raise Failed("there is no python3 with cffi (Debian: python3-cffi)")

    def ruby(self):
        """An interpreter that has what the gem needs, and finds the gem's files."""
        if shutil.which("ruby") is None or self.command(["ruby", "-e", "require 'ffi'; require 'async'"])[0] != 0:
            raise Missing("there is no ruby with ffi and async")
        return ["ruby", "-W", f"-I{self.options.source}/bindings/ruby/lib"]

    def program(self, block, path):
        """What runs a block that is in a file."""
        if block.language == "python":
            return [self.python(), path]
        if block.language == "ruby":
            return [*self.ruby(), path]
        if block.language in PARSERS:
            parser = PARSERS[block.language]
            if shutil.which(parser[0]) is None:
                raise Missing(f"there is no {parser[0]}")
            return [*parser, path]
        return self.compiled(block, path)

    def check_json(self, block, path):
        """A document that parses; of a configuration what `llmq check` says."""
        try:
            parsed = [json.loads(line) for line in block.text.splitlines()] if block.language == "jsonl" else (
                json.loads(block.text))
        except ValueError as error:
            raise Failed(f"it does not parse: {error}") from error
        if isinstance(parsed, dict) and CONFIGURATION & parsed.keys():
            return self.command([self.options.build / "llmq", "check", path])
        return 0, ""

    def run(self, number, block):
        """One block; raises Failed."""
        if block.language in ("json", "jsonl"):
            path = self.work / f"{number}.json"
            path.write_text(block.text, encoding="utf-8")
            code, said = self.check_json(block, path)
        elif block.language == "sh":
            code, said = self.command(["bash", "-eu", "-c", block.text])
        else:
            path = self.work / f"{number}{SUFFIX[block.language]}"
            path.write_text(self.text_of(block), encoding="utf-8")
            code, said = self.command(self.program(block, path))
        if code != int(block.marks.get("exit", 0)):
            raise Failed(f"it ended with {code}\n{said}")
        if block.marks.get("says", "") not in said:
            raise Failed(f"it does not say {block.marks['says']!r}\n{said}")

    def all(self):
        """How many blocks did not work, and which languages are not there."""
        bad, counts, gone = 0, {"run": 0, "skipped": 0}, set()
        for number, block in enumerate(markdown.blocks(self.options.document)):
            where = f"{self.options.document.name}:{block.line}: {block.language or 'text'}"
            if "file" in block.marks:
                (self.work / "run" / block.marks["file"]).write_text(block.text, encoding="utf-8")
            if "skip" in block.marks:
                print(f"{where}: not run: {block.marks['skip']}")
                counts["skipped"] += 1
                continue
            if block.language in NOT_RUN:
                continue
            counts["run"] += 1
            try:
                if block.language not in {*SUFFIX, "sh", "json", "jsonl"}:
                    raise Failed("nobody knows how to run that language; mark it with skip=WHY")
                self.run(number, block)
            except Missing as missing:
                print(f"{where}: not run: {missing}")
                gone.add(str(missing))
                counts["run"] -= 1
                counts["skipped"] += 1
            except Failed as failure:
                bad += 1
                print(f"{where}: {failure}")
        print(f"{self.options.document.name}: {counts['run']} blocks run, {bad} failed, {counts['skipped']} not run")
        return bad, sorted(gone)


def main() -> int:
    """Runs a document; 1 if a block failed, 77 if one could not be run here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", type=Path)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cxx", default="c++")
    parser.add_argument("--launcher", type=str.split, default=[])
    options = parser.parse_args()
    for name in ("document", "source", "build", "work"):
        setattr(options, name, getattr(options, name).resolve())
    snippets = Snippets(options)
    try:
        mock = snippets.serve()
        try:
            bad, gone = snippets.all()
            if gone and not bad:
                print(f"SKIP: {', '.join(gone)}")
            return 1 if bad else 77 if gone else 0
        finally:
            mock.terminate()
            mock.wait()
    except (Failed, ValueError) as error:
        print(f"snippets: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

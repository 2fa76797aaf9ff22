"""Which libllmq is loaded, and what is said of one that does not fit."""

import shutil
import subprocess
from pathlib import Path

import pytest

import llmq
from llmq import _constants as c
from llmq import _library

PACKAGE = Path(llmq.__file__).resolve().parent
CARRIED = PACKAGE / "lib" / "libllmq.so"
TELL = "from llmq import _library; print(_library.library_path)"

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no cc")
needs_pkg_config = pytest.mark.skipif(
    shutil.which("pkg-config") is None, reason="there is no pkg-config"
)


def test_the_one_that_the_package_carries(run_python):
    assert CARRIED.exists()
    assert run_python(TELL).stdout.strip() == str(CARRIED)


def test_the_one_that_is_named_goes_first(run_python, tmp_path):
    named = shutil.copy(CARRIED, tmp_path / "mine.so")
    told = run_python(
        TELL + "; import llmq; print(llmq.library_version())", env={"LLMQ_LIBRARY": str(named)}
    )
    assert told.stdout.split() == [str(named), llmq.library_version()]


def test_a_name_of_nothing(run_python, tmp_path):
    gone = str(tmp_path / "gone.so")
    told = run_python("import llmq", env={"LLMQ_LIBRARY": gone}, expect=1).stderr
    assert "LibraryError: libllmq cannot be loaded" in told
    assert gone in told


@pytest.fixture
def bare(tmp_path):
    """The package without a library, as a wheel that carries none; gives the environment."""
    shutil.copytree(PACKAGE, tmp_path / "llmq", ignore=shutil.ignore_patterns("lib"))
    return {"PYTHONPATH": str(tmp_path), "PKG_CONFIG_PATH": str(tmp_path)}


@needs_pkg_config
def test_the_one_that_pkg_config_knows(run_python, tmp_path, bare):
    there = tmp_path / "where it is"
    there.mkdir()
    shutil.copy(CARRIED, there)
    (tmp_path / "llmq.pc").write_text(f"libdir={there}\nName: llmq\nDescription: -\nVersion: 1\n")
    assert run_python(TELL, env=bare).stdout.strip() == str(there / "libllmq.so")


def test_none_at_all(run_python, bare):
    env = {**bare, "PKG_CONFIG_LIBDIR": bare["PKG_CONFIG_PATH"]}
    told = run_python("import llmq", env=env, expect=1).stderr
    assert "LibraryError: libllmq was not found: LLMQ_LIBRARY is not set" in told
    assert str(Path(bare["PYTHONPATH"]) / "llmq" / "lib") in told


STUB = """
const char* llmq_version_string(void) {{ return "7.8.9"; }}
int llmq_abi_version(void) {{ return {abi}; }}
unsigned long llmq_sizeof(int which) {{ return which == {short} ? 8 : 100000; }}
"""


def stub(tmp_path, source):
    path = tmp_path / "libllmq.so"
    (tmp_path / "stub.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, tmp_path / "stub.c"], check=True)
    return str(path)


@needs_compiler
@pytest.mark.parametrize(
    ("abi", "short", "words"),
    [
        (c.ABI_VERSION + 1, -1, f"has binary interface {c.ABI_VERSION + 1}, "),
        (c.ABI_VERSION, c.SIZEOF_EVENT, "llmq_event_t has 8 bytes in libllmq 7.8.9"),
    ],
)
def test_one_that_does_not_fit_is_told_with_both_versions_and_both_paths(
    run_python, tmp_path, abi, short, words
):
    path = stub(tmp_path, STUB.format(abi=abi, short=short))
    told = run_python("import llmq", env={"LLMQ_LIBRARY": path}, expect=1).stderr.splitlines()[-1]
    assert "LibraryError" in told
    assert words in told
    assert f"libllmq 7.8.9 ({path})" in told
    assert f"the package llmq {_library._WRITTEN_FOR} ({PACKAGE})" in told


@needs_compiler
def test_one_that_is_another(run_python, tmp_path):
    path = stub(tmp_path, "int other;\n")
    told = run_python("import llmq", env={"LLMQ_LIBRARY": path}, expect=1).stderr
    assert f"{path} is no libllmq" in told

"""Builds a wheel that needs no compiler: declarations for cffi, and the library if there is one.

LLMQ_BUNDLE names the libllmq that goes into the wheel, which then fits this platform alone. Without
it the wheel is pure Python and uses a libllmq that is installed.
"""

import os
import shutil
from pathlib import Path

from cffi import FFI
from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
DECLARATIONS = HERE.parent / "llmq.cdef"
BUNDLE = os.environ.get("LLMQ_BUNDLE", "")


class BuildWithLibrary(build_py):
    """Adds what is made or copied at build time to the package."""

    def run(self) -> None:
        super().run()
        package = Path(self.build_lib) / "llmq"
        ffi = FFI()
        ffi.cdef(DECLARATIONS.read_text())
        ffi.set_source("llmq._cffi", None)
        ffi.emit_python_code(str(package / "_cffi.py"))
        if BUNDLE:
            (package / "lib").mkdir(exist_ok=True)
            shutil.copy(Path(BUNDLE).resolve(), package / "lib" / "libllmq.so")


class PlatformWheel(bdist_wheel):
    """Any Python 3 of this platform: the library does not know the interpreter."""

    def get_tag(self) -> tuple:
        return ("py3", "none", super().get_tag()[2])


class PlatformDistribution(Distribution):
    """Has binaries exactly if it carries the library."""

    def has_ext_modules(self) -> bool:
        return bool(BUNDLE)


setup(
    distclass=PlatformDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
)

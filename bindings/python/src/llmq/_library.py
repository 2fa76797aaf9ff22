"""Finds libllmq, and checks that it is the one that this package was written against."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from . import _constants as c
from ._cffi import ffi as _ffi

ffi: Any = _ffi

_STRUCTS = {
    c.SIZEOF_REQUEST: "llmq_request_t",
    c.SIZEOF_USAGE: "llmq_usage_t",
    c.SIZEOF_EVENT: "llmq_event_t",
    c.SIZEOF_STATS: "llmq_stats_t",
    c.SIZEOF_WAIT: "llmq_wait_t",
    c.SIZEOF_HOOK: "llmq_hook_t",
}
_WRITTEN_FOR = f"{c.VERSION_MAJOR}.{c.VERSION_MINOR}.{c.VERSION_PATCH}"
_HERE = Path(__file__).resolve().parent
_NAMES = ("libllmq.so", "libllmq.dylib")


class LibraryError(ImportError):
    """libllmq was not found, or is not the one that this package needs."""


def _by_pkg_config() -> str | None:
    try:
        told = subprocess.run(
            ["pkg-config", "--variable=libdir", "llmq"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    for name in _NAMES:
        path = Path(told.stdout.strip()) / name
        if told.returncode == 0 and path.exists():
            return str(path)
    return None


def find_library() -> str:
    """Path of the library: LLMQ_LIBRARY, else the one in this package, else of pkg-config."""
    named = os.environ.get("LLMQ_LIBRARY")
    if named:
        return named
    for name in _NAMES:
        if (_HERE / "lib" / name).exists():
            return str(_HERE / "lib" / name)
    found = _by_pkg_config()
    if found:
        return found
    raise LibraryError(
        "libllmq was not found: LLMQ_LIBRARY is not set, this package carries none "
        f"({_HERE / 'lib'}), and pkg-config knows no llmq"
    )


def _load() -> tuple[Any, str]:
    path = find_library()
    try:
        library = ffi.dlopen(path)
    except OSError as problem:
        raise LibraryError(f"libllmq cannot be loaded: {problem}") from problem
    where = f"the package llmq {_WRITTEN_FOR} ({_HERE})"
    try:
        version = ffi.string(library.llmq_version_string()).decode()
        abi = library.llmq_abi_version()
    except (AttributeError, ffi.error) as problem:
        raise LibraryError(f"{path} is no libllmq: {problem}") from problem
    if abi != c.ABI_VERSION:
        raise LibraryError(
            f"libllmq {version} ({path}) has binary interface {abi}, {where} needs {c.ABI_VERSION}"
        )
    for what, name in _STRUCTS.items():
        theirs, ours = library.llmq_sizeof(what), ffi.sizeof(name)
        # A newer library only appends members, and reads and fills what the caller's size covers.
        if theirs < ours:
            raise LibraryError(
                f"{name} has {theirs} bytes in libllmq {version} ({path}) and {ours} in {where}"
            )
    return library, path


lib, library_path = _load()


def library_version() -> str:
    """Version of the library in use, "0.1.0"."""
    return text(lib.llmq_version_string())


def features() -> c.Features:
    """What the library in use contains."""
    return c.Features(lib.llmq_features())


def text(pointer: Any) -> str:
    """A NUL-terminated text of the library."""
    return str(ffi.string(pointer), "utf-8", "replace")


def address(pointer: Any) -> int:
    """A pointer as the number that goes into a struct."""
    return int(ffi.cast("uintptr_t", pointer))


def take_buffer(holder: Any) -> str:
    """The text that `holder` (char **) was filled with, which is freed."""
    told = text(holder[0])
    lib.llmq_buf_free(holder[0])
    return told

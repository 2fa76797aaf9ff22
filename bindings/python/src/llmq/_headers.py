"""Headers of an answer, as the library takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._library import ffi


class HeaderLists:
    """The last arguments of `llmq_report_limits`, with the memory that they point to."""

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        texts = [(ffi.new("char[]", a.encode()), ffi.new("char[]", b.encode())) for a, b in pairs]
        names = ffi.new("const char *[]", [name for name, _ in texts])
        values = ffi.new("const char *[]", [value for _, value in texts])
        self._texts = texts
        self.arguments: tuple[Any, ...] = (names, ffi.NULL, values, ffi.NULL, len(texts))

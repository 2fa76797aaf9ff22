"""Requests as bytes in one array, events out of one buffer: the fast path.

A batch of requests is the join of their records, in which three columns are filled at once: where
the payload is, how long it is, and the number that comes back with the events.
"""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypedDict

from . import _constants as c
from ._errors import check
from ._library import LibraryError, address, ffi, lib

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

_FORMATS = {("uint", 4): "I", ("int", 4): "i", ("uint", 8): "Q", ("int", 8): "q"}


def layout_of(kind: str) -> tuple[struct.Struct, dict[str, int], list[tuple[Any, int]]]:
    """How a struct is unpacked, the place of each member in the tuple, and how one is read."""
    form = "="
    places: dict[str, int] = {}
    readers = []
    for name, field in ffi.typeof(kind).fields:
        size = ffi.sizeof(field.type)
        sign = "int" if field.type.cname.startswith("int") else "uint"
        places[name] = len(places)
        form += _FORMATS[sign, size]
        readers.append((struct.Struct("=" + form[-1]).unpack_from, field.offset))
    layout = struct.Struct(form)
    if layout.size != ffi.sizeof(kind):
        raise LibraryError(f"{kind} has holes on this platform")
    return layout, places, readers


EVENT, _PLACES, _READERS = layout_of("llmq_event_t")
EVENT_SIZE = EVENT.size
EVENT_WORDS = EVENT_SIZE // 8
TYPE, STATUS, FLAGS = _PLACES["type"], _PLACES["status"], _PLACES["flags"]
REQUEST_ID, ATTEMPT_ID = _PLACES["request_id"], _PLACES["attempt_id"]
USER_DATA, DATA, DATA_LEN = _PLACES["user_data"], _PLACES["data"], _PLACES["data_len"]
QUEUED_NS, RUN_NS = _PLACES["queued_ns"], _PLACES["run_ns"]
RETRY_AFTER_NS, FIRST_OUTPUT_NS = _PLACES["retry_after_ns"], _PLACES["first_output_ns"]
INPUT_TOKENS, OUTPUT_TOKENS = _PLACES["input_tokens"], _PLACES["output_tokens"]
CACHED_INPUT_TOKENS, COST_MICROS = _PLACES["cached_input_tokens"], _PLACES["cost_micros"]
REASONING_TOKENS, ATTEMPT, STATE = (
    _PLACES["reasoning_tokens"],
    _PLACES["attempt"],
    _PLACES["state"],
)

REQUEST_SIZE = ffi.sizeof("llmq_request_t")
_WORDS = REQUEST_SIZE // 8
_PAYLOAD, _PAYLOAD_LEN, _USER_DATA = (
    ffi.offsetof("llmq_request_t", member) // 8
    for member in ("payload", "payload_len", "user_data")
)

#: Bits of a request's user_data beside its number: its response keeps the library's; its payload or
#: result is an object of this process.
DETAILED = 1 << 63
BY_REFERENCE = 1 << 62

#: Every byte of this process from address 1 on: a slice copies what a pointer of an event tells,
#: at a fifth of the cost of a new buffer object for each.
memory = ffi.buffer(ffi.cast("char *", 1), (1 << 63) - 1)

_NANO = 1_000_000_000


class RequestOptions(TypedDict, total=False):
    """What a request may say beside model and payload."""

    priority: int
    """Priority.URGENT to Priority.BATCH."""
    tenant: str
    """Whose request it is: tenants share what is scarce by their weights. At most 255 bytes."""
    timeout: float | None
    """Seconds that one attempt may take; None = no bound. Without it, the model's timeout_ms."""
    deadline: float | None
    """Seconds from now in which the request must be answered, waits and retries included."""
    operation: int
    """Operation.CHAT by default: what the payload is."""
    est_input_tokens: int
    """Without it llmq estimates."""
    est_output_tokens: int
    """Without it llmq estimates."""
    max_attempts: int
    """1 to 60. Without it, the model's retry.max_attempts."""
    request_key: str
    """The caller's own id: in logs and look-ups. At most 1,024 bytes."""
    dedup_key: str
    """Requests with the same one and the same payload share a call. At most 1,024 bytes."""
    metadata: bytes
    """Comes back with the response, and a processor may read it."""
    keep: bool
    """The response can also be taken by the request's id, with take_response."""
    late_usage: bool
    """Usage may be reported after the end, with update_usage."""
    restart: bool
    """Of a stream: an attempt that fails after output may be tried again, from its beginning."""


_KNOWN = frozenset(RequestOptions.__annotations__)
#: Only the library's own response tells what was given.
_DETAILS = frozenset({"request_key", "metadata"})
#: Differ from request to request: nothing is gained from keeping these.
_VOLATILE = frozenset({"deadline", "request_key", "dedup_key", "metadata"})


class Ref:
    """A payload or a result that is passed by reference, within this process.

    Submitted to a model whose processor is a Python function of the same manager, the function
    gets the object itself, as `job.object`; what it returns in a Ref is `value` of the response.
    """

    __slots__ = ("object",)

    def __init__(self, value: Any) -> None:
        self.object = value

    def __repr__(self) -> str:
        return f"llmq.Ref({self.object!r})"


def to_bytes(payload: Any) -> bytes:
    """A payload as it is sent: bytes as they are, text as UTF-8, what JSON has as JSON.

    Nothing of a Ref: the object stays here.
    """
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, str):
        return payload.encode()
    if isinstance(payload, (bytearray, memoryview)):
        return bytes(payload)
    if isinstance(payload, Ref):
        return b""
    if isinstance(payload, (Mapping, Sequence)):
        return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    raise TypeError(
        f"a payload must be bytes, str, or what JSON has, not {type(payload).__name__}; "
        "llmq.Ref(payload) passes any object to a Python processor"
    )


class Request:
    """A request that is to be submitted together with others: model, payload and options."""

    __slots__ = ("model", "options", "payload")

    def __init__(self, model: str, payload: Any, **options: Unpack[RequestOptions]) -> None:
        self.model = model
        self.payload = payload
        self.options = options

    def __repr__(self) -> str:
        return f"llmq.Request({self.model!r}, {self.payload!r}, **{self.options!r})"


class Template:
    """The record of a request but for payload and number, and what it points to."""

    __slots__ = ("bits", "keep", "record")

    def __init__(self, record: bytes, bits: int, keep: list[Any]) -> None:
        self.record = record
        self.bits = bits
        self.keep = keep


def _nanoseconds(name: str, seconds: float) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"must be seconds, not {type(seconds).__name__}")
    if not seconds > 0:
        raise ValueError(f"{name} must be more than 0 seconds, not {seconds!r}")
    return min(int(seconds * _NANO) or 1, (1 << 62) - 1)


class Templates:
    """Makes the records of one completion queue; those of equal options are kept."""

    _MOST = 1024

    def __init__(self, cq: Any, detailed: Mapping[str, bool]) -> None:
        self._cq = cq
        self._detailed = detailed
        #: Of requests with every option at its default, by model.
        self.simplest: dict[str, Template] = {}
        self._kept: dict[tuple[Any, ...], Template] = {}

    def forget(self) -> None:
        """Drops what is kept: models have changed."""
        self.simplest.clear()
        self._kept.clear()

    def get(self, model: str, flags: int, options: Mapping[str, Any]) -> Template:
        """The record of a request with options."""
        if not options and not flags:
            found = self.simplest.get(model)
            if found is None:
                found = self._make(model, 0, options)
                if len(self.simplest) >= self._MOST:
                    self.simplest.clear()
                self.simplest[model] = found
            return found
        if not _VOLATILE.isdisjoint(options):
            return self._make(model, flags, options)
        key = (model, flags, *options.items())
        found = self._kept.get(key)
        if found is None:
            found = self._make(model, flags, options)
            if len(self._kept) >= self._MOST:
                self._kept.clear()
            self._kept[key] = found
        return found

    def _make(self, model: str, flags: int, options: Mapping[str, Any]) -> Template:
        unknown = options.keys() - _KNOWN
        if unknown:
            raise TypeError(f"unknown option {sorted(unknown)[0]!r}; known are {sorted(_KNOWN)}")
        keep: list[Any] = []
        record = ffi.new("llmq_request_t *", {"struct_size": REQUEST_SIZE, "flags": flags})
        record.cq = self._cq
        _point(record, "model", model, keep)
        for name, value in options.items():
            try:
                _SETTERS[name](record, name, value, keep)
            except (TypeError, OverflowError) as problem:
                raise type(problem)(f"{name}: {problem}") from None
        details = self._detailed.get(model, True) or not _DETAILS.isdisjoint(options)
        return Template(bytes(ffi.buffer(record)), DETAILED if details else 0, keep)


def _point(record: Any, name: str, value: str | bytes, keep: list[Any]) -> None:
    data = value.encode() if isinstance(value, str) else value
    if not isinstance(data, bytes):
        raise TypeError(f"must be str or bytes, not {type(value).__name__}")
    held = ffi.from_buffer(data)
    keep.append(held)
    setattr(record, name, ffi.cast("char *", held))
    setattr(record, f"{name}_len", len(data))


def _number(record: Any, name: str, value: int, _keep: list[Any]) -> None:
    setattr(record, name, value)


def _flag(record: Any, name: str, value: bool, _keep: list[Any]) -> None:
    if value:
        record.flags |= _FLAGS[name]


def _timeout(record: Any, name: str, value: float | None, _keep: list[Any]) -> None:
    record.timeout_ns = -1 if value is None else _nanoseconds(name, value)


def _deadline(record: Any, name: str, value: float | None, _keep: list[Any]) -> None:
    if value is not None:
        record.deadline_ns = lib.llmq_now_ns() + _nanoseconds(name, value)


_FLAGS = {"keep": c.REQUEST_KEEP, "late_usage": c.REQUEST_LATE_USAGE, "restart": c.REQUEST_RESTART}
_SETTERS: dict[str, Callable[[Any, str, Any, list[Any]], None]] = {
    "priority": _number,
    "tenant": _point,
    "timeout": _timeout,
    "deadline": _deadline,
    "operation": _number,
    "est_input_tokens": _number,
    "est_output_tokens": _number,
    "max_attempts": _number,
    "request_key": _point,
    "dedup_key": _point,
    "metadata": _point,
    "keep": _flag,
    "late_usage": _flag,
    "restart": _flag,
}


class Batch:
    """Requests that are ready to be handed over."""

    __slots__ = ("_ids", "_keep", "_n", "_records", "_start")

    def __init__(
        self, templates: Sequence[Template], payloads: Sequence[bytes], numbers: Iterable[int]
    ) -> None:
        records = bytearray(b"".join([template.record for template in templates]))
        blob = b"".join(payloads)
        held = ffi.from_buffer(blob)
        lengths = array("Q", map(len, payloads))
        starts = array("Q", accumulate(lengths, initial=address(held)))
        del starts[-1]
        words = memoryview(records).cast("Q")
        words[_PAYLOAD::_WORDS] = memoryview(starts)
        words[_PAYLOAD_LEN::_WORDS] = memoryview(lengths)
        words[_USER_DATA::_WORDS] = memoryview(array("Q", numbers))
        self._n = len(payloads)
        self._records = records
        self._keep = (held, templates)
        self._start = ffi.from_buffer("llmq_request_t[]", records)
        self._ids = ffi.new("llmq_request_id_t[]", self._n)

    def submit(
        self, manager: Any, *, all_or_prefix: bool = False
    ) -> tuple[list[int], list[tuple[int, int]]]:
        """Hands all over. Gives ids, 0 where one was refused, and (place, status) of those.

        With all_or_prefix nothing is handed over after one that is refused.
        """
        accepted = ffi.new("size_t *")
        refused: list[tuple[int, int]] = []
        at = 0
        while at < self._n:
            status = lib.llmq_submit_batch(
                manager, self._start + at, REQUEST_SIZE, self._n - at, self._ids + at, accepted
            )
            at += accepted[0]
            if status == c.OK:
                break
            refused.append((at, status))
            self._ids[at] = 0
            at += 1
            if all_or_prefix:
                break
        return ffi.unpack(self._ids, self._n), refused

    def check(self, manager: Any, place: int = 0) -> None:
        """Raises in words why a request would be refused."""
        err = ffi.new("llmq_error_t **")
        check(lib.llmq_request_check(manager, self._start + place, err), err)

    def pointer(self) -> Any:
        """The first record, as a pointer that lives as long as this object."""
        return self._start


def single(model: str, payload: bytes, options: Mapping[str, Any]) -> Batch:
    """A request that goes to no completion queue."""
    template = Templates(ffi.NULL, {}).get(model, 0, options)
    return Batch([template], [payload], [0])


def read(record: bytes, place: int) -> int:
    """One member of an event, by its place in the tuple."""
    unpack, offset = _READERS[place]
    value: int = unpack(record, offset)[0]
    return value


def event_of(**members: int) -> bytes:
    """A DONE event of which only some members are known."""
    filled = {"stride": EVENT_SIZE, "type": c.EV_DONE, **members}
    return EVENT.pack(*(filled.get(name, 0) for name in _PLACES))


def bytes_of(member: str) -> slice:
    """Where in an event a member is."""
    unpack, offset = _READERS[_PLACES[member]]
    return slice(offset, offset + unpack.__self__.size)


def column(member: str) -> int:
    """Which of the words of an event a member is in."""
    return int(ffi.offsetof("llmq_event_t", member)) // 8


def words_of(record: bytes, *members: str) -> list[int]:
    """The words of an event that these members are in."""
    words = memoryview(record).cast("Q")
    return [words[column(member)] for member in members]

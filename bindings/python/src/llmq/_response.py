"""What a request came to, and the pieces of one that is streamed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from . import _constants as c
from . import _wire as w
from ._errors import Error, make_error, to_status
from ._library import ffi, lib, take_buffer, text

T_co = TypeVar("T_co", covariant=True)

_NANO = 1e-9


class Usage(NamedTuple):
    """Tokens and money that an attempt took."""

    input_tokens: int = 0
    """Everything that entered the model, cached tokens included."""
    output_tokens: int = 0
    """Everything that it produced, reasoning included."""
    cached_input_tokens: int = 0
    """The part of input_tokens that was read from a cache."""
    cost_micros: int = 0
    """Money in millionths of the currency's unit; 0 if unknown."""
    reasoning_tokens: int = 0
    """The part of output_tokens that is not shown; 0 if none or unknown."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a request of which at least one failed."""

    number: int
    """From 1."""
    status: str
    """Name of its status, "LLMQ_ERR_SERVER"."""
    message: str
    """What the provider or the processor said; at most 200 bytes."""
    deployment: str
    """Where it ran; "" where the model's only deployment has no name."""
    http_status: int
    """0 if there was no answer."""
    started_s: float
    """Seconds from the submit to its start."""
    run_s: float
    """Seconds that it ran."""
    retry_delay_s: float | None
    """Seconds until the next attempt could start; None if none followed."""


class _More:
    """What few responses have: the library's response, a decoder, a value by reference."""

    __slots__ = ("decode", "handle", "message", "value")

    def __init__(self, handle: Any = None, message: str = "") -> None:
        self.handle = handle
        self.message = message
        self.decode: Callable[[bytes], Any] | None = None
        self.value: Any = _NOT_YET


_NOT_YET: Any = object()
_EMPTY = b""
#: Where the status is in an event, and what is there if all went well: asked of every response.
_STATUS = w.bytes_of("status")
_COMPLETED = bytes(_STATUS.stop - _STATUS.start)
#: Members of an event in the order of Usage.
_USAGE = (
    w.INPUT_TOKENS,
    w.OUTPUT_TOKENS,
    w.CACHED_INPUT_TOKENS,
    w.COST_MICROS,
    w.REASONING_TOKENS,
)


class Response(Generic[T_co]):
    """The one outcome of a request. May be read from any thread."""

    __slots__ = ("_data", "_more", "_record")

    def __init__(self, record: bytes, data: bytes | None, more: _More | None = None) -> None:
        self._record = record
        self._data = data
        self._more = more

    def __repr__(self) -> str:
        state = c.State(self.state).name.lower() if self.state else "unknown"
        size = len(self.data)
        return f"<llmq.Response {self.request_id:#x} {state}, {size} bytes>"

    @property
    def request_id(self) -> int:
        """Id of the request."""
        return w.read(self._record, w.REQUEST_ID)

    @property
    def ok(self) -> bool:
        """Whether the request completed."""
        return self._record[_STATUS] == _COMPLETED

    @property
    def status(self) -> c.Status | int:
        """Status.OK, or why not."""
        return to_status(w.read(self._record, w.STATUS))

    @property
    def state(self) -> int:
        """Final State."""
        return w.read(self._record, w.STATE)

    @property
    def data(self) -> bytes:
        """Payload: the processor's data, or the body that the provider sent, also with an error."""
        if self._data is None:
            size = ffi.new("size_t *")
            start = lib.llmq_response_data(self._handle, size)
            self._data = bytes(ffi.buffer(start, size[0]))
        return self._data

    @property
    def text(self) -> str:
        """The payload as text."""
        return self.data.decode("utf-8", "replace")

    def json(self) -> Any:
        """The payload, read as JSON.

        Raises:
            ValueError: It is none.

        """
        return json.loads(self.data)

    @property
    def value(self) -> T_co:
        """The answer: what the typed model's decode made of the payload, or the object itself.

        Without a typed model and for a payload in bytes: the bytes. What decode raises is raised
        here.
        """
        more = self._more
        if more is None or (more.decode is None and more.value is _NOT_YET):
            return self.data  # type: ignore[return-value]
        if more.value is _NOT_YET and more.decode is not None:
            more.value = more.decode(self.data)
        value: T_co = more.value
        return value

    @property
    def error(self) -> str:
        """What went wrong, in words; "" if nothing did."""
        if self.ok:
            return ""
        told = self._text(lib.llmq_response_error) or (self._more.message if self._more else "")
        return told or text(lib.llmq_status_message(w.read(self._record, w.STATUS)))

    def raise_for_status(self) -> Response[T_co]:
        """Gives this response back if the request completed.

        Raises:
            Error: Of the class that belongs to the status, if it did not.

        """
        if not self.ok:
            raise self.to_error()
        return self

    def to_error(self) -> Error:
        """The error that belongs to this outcome."""
        return make_error(w.read(self._record, w.STATUS), self.error, response=self)

    @property
    def usage(self) -> Usage | None:
        """Usage of the last attempt; None if it is not known."""
        usage = Usage(*(w.read(self._record, place) for place in _USAGE))
        return usage if any(usage) else None

    @property
    def attempts(self) -> int:
        """Attempts made."""
        return w.read(self._record, w.ATTEMPT)

    @property
    def history(self) -> list[Attempt]:
        """The attempts, if one of them failed; else an empty list."""
        if self._handle is None:
            return []
        holder = ffi.new("char **")
        if lib.llmq_response_attempts_json(self._handle, holder, ffi.NULL) != c.OK:
            return []
        return [_attempt(each) for each in json.loads(take_buffer(holder))]

    @property
    def queued_s(self) -> float:
        """Seconds from the submit to the start of the last attempt, or to the end if none ran."""
        return w.read(self._record, w.QUEUED_NS) * _NANO

    @property
    def run_s(self) -> float:
        """Seconds that the last attempt ran; 0 if none did."""
        return w.read(self._record, w.RUN_NS) * _NANO

    @property
    def retry_after_s(self) -> float | None:
        """With an error: in how many seconds a new try may make sense; None if not known."""
        return w.read(self._record, w.RETRY_AFTER_NS) * _NANO or None

    @property
    def first_output_s(self) -> float | None:
        """Seconds from the last attempt's start to its first output, if it was streamed."""
        return w.read(self._record, w.FIRST_OUTPUT_NS) * _NANO or None

    @property
    def shared(self) -> bool:
        """Whether the usage is that of a call which another request has told already."""
        return bool(w.read(self._record, w.FLAGS) & c.EVENT_SHARED)

    @property
    def cached(self) -> bool:
        """Whether the answer is one from before."""
        return bool(w.read(self._record, w.FLAGS) & c.EVENT_CACHED)

    @property
    def http_status(self) -> int:
        """HTTP status of the last answer of a built-in provider; 0 if there was none."""
        return int(lib.llmq_response_http_status(self._handle)) if self._handle is not None else 0

    @property
    def provider_request_id(self) -> str:
        """The provider's own id of its last answer; "" if there was none."""
        return self._text(lib.llmq_response_provider_request_id)

    @property
    def deployment(self) -> str:
        """Name of the deployment that ran the last attempt; "" if it has none."""
        return self._text(lib.llmq_response_deployment)

    @property
    def fallback_model(self) -> str:
        """Model that the request went to in the end; "" if it stayed with the one asked for."""
        return self._text(lib.llmq_response_fallback_model)

    @property
    def request_key(self) -> str:
        """Request key as given with the request."""
        return self._text(lib.llmq_response_request_key)

    @property
    def metadata(self) -> bytes:
        """Metadata as given with the request."""
        if self._handle is None:
            return _EMPTY
        size = ffi.new("size_t *")
        return bytes(ffi.buffer(lib.llmq_response_metadata(self._handle, size), size[0]))

    @property
    def _handle(self) -> Any:
        return self._more.handle if self._more is not None else None

    def _text(self, read: Any) -> str:
        return text(read(self._handle, ffi.NULL)) if self._handle is not None else ""


def _attempt(told: dict[str, Any]) -> Attempt:
    delay = told.get("retry_delay_ms")
    return Attempt(
        number=told["attempt"],
        status=told["status"],
        message=told.get("message", ""),
        deployment=told.get("deployment", ""),
        http_status=told.get("http_status", 0),
        started_s=told["started_ms"] / 1e3,
        run_s=told["run_ms"] / 1e3,
        retry_delay_s=None if delay is None else delay / 1e3,
    )


def with_decoder(response: Response[Any], decode: Callable[[bytes], Any] | None) -> Response[Any]:
    """Lets `value` of the response be what `decode` makes of its payload."""
    if decode is not None:
        if response._more is None:
            response._more = _More()
        response._more.decode = decode
    return response


def with_value(response: Response[Any], value: Any) -> Response[Any]:
    """Lets `value` of the response be an object."""
    if response._more is None:
        response._more = _More()
    response._more.value = value
    return response


def copied(record: bytes) -> Response[Any]:
    """A response of a drained event, without what only the library's response tells."""
    start = w.read(record, w.DATA) - 1
    size = w.read(record, w.DATA_LEN)
    return Response(record, w.memory[start : start + size] if size else _EMPTY)


def taken(event: Any, record: bytes) -> Response[Any]:
    """A response that keeps the library's own, which holds the payload."""
    holder = ffi.new("llmq_response_t **")
    if lib.llmq_event_take(event, holder) != c.OK:
        return copied(record)
    return Response(record, None, _More(ffi.gc(holder[0], lib.llmq_response_free)))


def owned(handle: Any) -> Response[Any]:
    """A response of llmq_response_get or _peek, which belongs to the caller."""
    times = ffi.new("int64_t[3]")
    lib.llmq_response_timings(handle, times, times + 1, times + 2)
    submitted, started, finished = times
    usage = ffi.new("llmq_usage_t *", {"struct_size": ffi.sizeof("llmq_usage_t")})
    lib.llmq_response_usage(handle, usage)
    record = w.event_of(
        status=lib.llmq_response_status(handle),
        flags=lib.llmq_response_flags(handle),
        request_id=lib.llmq_response_request_id(handle),
        queued_ns=(started or finished) - submitted,
        run_ns=finished - started if started else 0,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cost_micros=usage.cost_micros,
        reasoning_tokens=usage.reasoning_tokens,
        attempt=lib.llmq_response_attempts(handle),
        state=lib.llmq_response_state(handle),
        first_output_ns=lib.llmq_response_first_output_ns(handle),
    )
    return Response(record, None, _More(ffi.gc(handle, lib.llmq_response_free)))


def refusal(error: Error) -> Response[Any]:
    """The outcome of a request that was not accepted."""
    record = w.event_of(status=int(error.status), state=c.STATE_FAILED)
    return Response(record, _EMPTY, _More(message=error.message))


class Chunk(NamedTuple):
    """One piece of a streamed response."""

    data: bytes
    """The JSON of one event of the provider's stream, or what the processor handed over."""
    attempt: int
    """Number of the attempt that it belongs to, from 1; 0 of an answer from before."""
    output_tokens: int
    """Output so far; 0 if not known."""

    @property
    def text(self) -> str:
        """The piece as text."""
        return self.data.decode("utf-8", "replace")

    def json(self) -> Any:
        """The piece, read as JSON.

        Raises:
            ValueError: It is none.

        """
        return json.loads(self.data)

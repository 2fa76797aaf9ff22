"""Requests that are handed over together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import _constants as c
from . import _wire as w
from ._core import Core, refuse_dedup
from ._errors import Error, InvalidArgumentError, make_error
from ._future import Gather
from ._port import Port
from ._reported import words_of
from ._response import refusal

#: Requests that are handed over at a time.
SLICE = 1024


def why_refused(batch: w.Batch, core: Core, place: int, status: int) -> Error:
    """The error of a request that was refused, in words if it still would be."""
    try:
        batch.check(core.pointer, place)
    except Error as error:
        return error
    return make_error(status)


def in_slices(
    core: Core, port: Port, model: str, payloads: Sequence[Any], options: Mapping[str, Any]
) -> Iterator[tuple[int, Sequence[int]]]:
    """Numbers for requests that are handed over together, and where each slice of them begins.

    Raises:
        ValueError: A Ref among them has a dedup_key. Nothing has been handed over then.

    """
    first = core.reserve(len(payloads)) | port.templates.get(model, 0, options).bits
    by_reference = w.Ref in set(map(type, payloads))
    if by_reference:
        refuse_dedup(options)
    for begin in range(0, len(payloads), SLICE):
        some = payloads[begin : begin + SLICE]
        numbers: Sequence[int] = range(first + begin, first + begin + len(some))
        if by_reference:
            numbers = [core.refer(n, payload, options) for n, payload in zip(numbers, some)]
        yield begin, numbers


def hand_over(
    port: Port,
    model: str,
    payloads: Sequence[Any],
    options: Mapping[str, Any],
    numbers: Sequence[int],
) -> tuple[list[int], list[tuple[int, Error]]]:
    """Hands over requests that wait already; gives ids, and why those that are refused are.

    One that is refused, also for a payload that is none, refuses only itself.
    """
    core = port.core
    template = port.templates.get(model, 0, options)
    try:
        try:
            bodies = [
                payload if type(payload) is bytes else w.to_bytes(payload) for payload in payloads
            ]
        except Exception:
            return _hand_over_some(port, model, payloads, options, numbers)
        batch = w.Batch([template] * len(bodies), bodies, numbers)
        ids, refused = batch.submit(core.pointer)
    except BaseException as problem:
        for number in numbers:
            port.waiting.pop(number, None)
            core.objects.pop(number, None)
        if not isinstance(problem, Error):
            raise
        # Those of slices before have been handed over, and somebody has to hear of their ends.
        return [0] * len(payloads), [(place, problem) for place in range(len(payloads))]
    port.accepted(numbers, ids)
    for place, _ in refused:
        del port.waiting[numbers[place]]
        core.objects.pop(numbers[place], None)
    return ids, [(place, why_refused(batch, core, place, status)) for place, status in refused]


def _hand_over_some(
    port: Port,
    model: str,
    payloads: Sequence[Any],
    options: Mapping[str, Any],
    numbers: Sequence[int],
) -> tuple[list[int], list[tuple[int, Error]]]:
    """As hand_over, where some of the payloads cannot be sent."""
    good: list[int] = []
    bodies: list[bytes] = []
    errors: list[tuple[int, Error]] = []
    for place, payload in enumerate(payloads):
        try:
            bodies.append(w.to_bytes(payload))
            good.append(place)
        except Exception as problem:
            port.waiting.pop(numbers[place], None)
            words = f"the payload cannot be sent: {words_of(problem)}"
            errors.append((place, InvalidArgumentError(c.ERR_INVALID_ARG, words, "payload")))
    ids = [0] * len(payloads)
    if good:
        given, refused = hand_over(port, model, bodies, options, [numbers[each] for each in good])
        for place, request_id in zip(good, given):
            ids[place] = request_id
        errors += [(good[place], error) for place, error in refused]
    return ids, errors


def submit_gathered(
    port: Port,
    model: str,
    payloads: Sequence[Any],
    options: Mapping[str, Any],
    done: Callable[[], None],
) -> Gather:
    """Hands over many requests of which one call waits for all."""
    gather: Gather | None = None
    failures = 0
    for begin, numbers in in_slices(port.core, port, model, payloads, options):
        if gather is None:
            gather = Gather(numbers[0], len(payloads), done)
        port.waiting.update(zip(numbers, [gather] * len(numbers)))
        ids, errors = hand_over(port, model, payloads[begin : begin + SLICE], options, numbers)
        gather.ids += ids
        failures += len(errors)
        for place, error in errors:
            gather.responses[begin + place] = refusal(error)
    assert gather is not None
    gather.expect(len(payloads) - failures)
    return gather

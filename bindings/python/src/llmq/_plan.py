"""How long requests will take under the limits, and what they will cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from . import _constants as c
from . import _wire as w
from ._batch import SLICE
from ._config import Conf, ConfigSource
from ._errors import check
from ._library import ffi, lib, take_buffer


def plan(
    config: ConfigSource,
    requests: Iterable[w.Request],
    *,
    settings: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Reckons what requests would take if all were submitted now. Nothing is sent, no key needed.

    Every call is taken to last plan.latency_ms and its output at plan.tokens_per_s.

    Args:
        config: As of Manager.
        requests: What would be submitted, in order. They may come from a generator: none is kept.
        settings: Single keys on top of the configuration.

    Returns:
        requests, oversize, expired, unfinished, input_tokens, output_tokens, cost, duration_ms,
        bound_by (the limit that was waited for the longest, or None), and models and tenants: the
        same for each of them.

    Raises:
        Error: A request would be refused, but for one that is larger than a limit: that is counted.

    """
    holder, err = ffi.new("llmq_plan_t **"), ffi.new("llmq_error_t **")
    check(lib.llmq_plan_create(Conf(config, settings).pointer, holder, err), err)
    made = ffi.gc(holder[0], lib.llmq_plan_free)
    templates = w.Templates(ffi.NULL, {})
    given = iter(requests)
    while some := list(islice(given, SLICE)):
        batch = w.Batch(
            [templates.get(each.model, 0, each.options) for each in some],
            [w.to_bytes(each.payload) for each in some],
            range(len(some)),
        )
        for place in range(len(some)):
            status = lib.llmq_plan_add(made, batch.pointer() + place, err)
            if status == c.ERR_OVERSIZE:
                lib.llmq_error_free(err[0])
                err[0] = ffi.NULL
            else:
                check(status, err)
    told = ffi.new("char **")
    check(lib.llmq_plan_run(made, told, ffi.NULL))
    reckoned: dict[str, Any] = json.loads(take_buffer(told))
    return reckoned

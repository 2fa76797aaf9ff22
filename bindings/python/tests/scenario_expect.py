"""Compares what came with what a case expects."""

import llmq

EXPECT = {"requests", "started", "permits", "done", "totals", "stats", "at_least_ms"}


class Wrong(AssertionError):
    """The case did not go as it says."""


def check_keys(what, given, known):
    """An unknown member is an error."""
    unknown = set(given) - known
    if unknown:
        raise Wrong(f"unknown member of {what}: {sorted(unknown)}")


def status_name(response):
    """Name of a response's status."""
    return "LLMQ_OK" if response.ok else f"LLMQ_ERR_{response.status.name}"


def compare(scenario, expect, took_ms):
    """Raises Wrong if something came otherwise."""
    check_keys("expect", expect, EXPECT)
    for ref, wanted in expect.get("requests", {}).items():
        if ref not in scenario.asked:
            raise Wrong(f"{ref} was never accepted")
        asked = scenario.asked[ref]
        check_response(ref, wanted, asked.response, asked.chunks)
    ended = [asked for asked in scenario.asked.values() if asked.response is not None]
    for asked in ended:
        told = (asked.response.request_key, asked.response.metadata)
        if told != (asked.ref, asked.metadata):
            raise Wrong(f"{asked.ref} came back with {told}")
    for what in ("started", "permits", "done"):
        if what in expect and getattr(scenario, what) != expect[what]:
            raise Wrong(f"{what}: {getattr(scenario, what)}, expected {expect[what]}")
    if "totals" in expect:
        totals = {}
        for asked in ended:
            name = status_name(asked.response)
            totals[name] = totals.get(name, 0) + 1
        if totals != expect["totals"]:
            raise Wrong(f"totals: {totals}, expected {expect['totals']}")
    if "stats" in expect:
        check_stats(scenario.manager, expect["stats"])
    if took_ms < expect.get("at_least_ms", 0):
        raise Wrong(f"took {took_ms:.0f} ms, expected at least {expect['at_least_ms']}")


def check_stats(manager, expect):
    """Counters, once everything that was reported has been taken up."""
    for _ in range(2):
        try:
            manager.info()
        except llmq.ClosedError:
            break
    for model, wanted in expect.items():
        stats = manager.stats(model or None)
        for key, value in wanted.items():
            if getattr(stats, key) != value:
                raise Wrong(f"stats of {model!r}: {key} is {getattr(stats, key)}, not {value}")


def check_response(ref, wanted, response, chunks):
    """One outcome."""
    usage = response.usage
    told = {
        "status": status_name(response),
        "state": llmq.State(response.state).name.lower(),
        "attempts": response.attempts,
        "data": response.text,
        "chunks": chunks,
        "history": [each.status for each in response.history],
        "http_status": response.http_status,
        "deployment": response.deployment,
        "fallback_model": response.fallback_model,
        "cached": response.cached,
        "shared": response.shared,
    }
    for key, value in wanted.items():
        if key == "usage":
            got = usage if value is None or usage is None else {k: getattr(usage, k) for k in value}
            right = got == value
        elif key == "data_contains":
            got, right = told["data"], value in told["data"]
        elif key == "error_contains":
            got, right = response.error, value in response.error
        elif key == "chunks_at_least":
            got, right = len(chunks), len(chunks) >= value
        elif key in told:
            got = told[key]
            right = got == value
        else:
            raise Wrong(f"unknown member of the expectation of {ref}: {key}")
        if not right:
            raise Wrong(f"{ref}: {key} is {got!r}, expected {value!r}")

"""Runs one case of tests/scenarios."""

import contextlib
import json
import threading
import time

from scenario_expect import Wrong, check_keys, compare

import llmq
from llmq import _wire as w

LONG = 240  # the machine may be busy
STEPS = {
    "submit": None,  # the members of a request
    "submit_many": None,
    "submit_batch": {"requests", "accepted", "error"},
    "wait": {"for", "ref", "attempt", "count", "model", "is"},
    "cancel": {"ref", "error"},
    "finish": {"ref", "with"},
    "set": {"key", "value", "error"},
    "add_models": {"config", "processors", "error"},
    "remove_model": {"model", "mode", "error"},
    "acquire": None,  # the members of a request
    "release": {"ref", "usage", "fail", "retry_after_ms", "error"},
    "usage_update": {"ref", "usage", "error"},
    "response_get": {"ref", "is", "error"},
    "shutdown": {"mode", "deadline_ms", "error"},
}
REQUEST = {
    "ref", "model", "payload", "payload_bytes", "operation", "priority", "tenant", "dedup_key",
    "metadata", "deadline_ms", "timeout_ms", "est_input_tokens", "est_output_tokens",
    "max_attempts", "stream", "restart", "keep", "late_usage", "attempts", "on_done", "error",
    "do", "count",
}  # fmt: skip
OUTCOME = {
    "succeed", "fail", "throw", "hold", "vanish", "echo", "usage", "message",
    "retry_after_ms", "chunks",
}  # fmt: skip
MEMBERS = {
    "name", "why", "needs", "workers", "config", "processors", "steps", "expect", "complaint",
}  # fmt: skip


class Asked:
    """A request of the case, and what came of it."""

    def __init__(self, ref, metadata, attempts):
        self.ref = ref
        self.metadata = metadata
        self.attempts = attempts
        self.begun = []
        self.held = False
        self.stopped = False
        self.finish_with = None
        self.chunks = []
        self.response = None
        self.future = None
        self.permit = None
        self.request_id = 0


class Scenario:
    """One case."""

    def __init__(self, case):
        check_keys("the case", case, MEMBERS)
        self.case = case
        self.changed = threading.Condition()
        self.asked = {}
        self.goals = []  # what threads wait for
        self.attempts = {}  # refs by id of the attempt, in the order in which attempts came
        self.permits = []
        self.done = []
        self.scripts = dict(case.get("processors", {}))
        self.readers = []
        self.shut_down = False

    def run(self):
        begin = time.monotonic()
        with llmq.Manager(self.case["config"]) as self.manager:
            try:
                self._process(self.scripts)
                for step in self.case["steps"]:
                    self._step(dict(step))
                self._until("all are done", self._all_done)
                took = time.monotonic() - begin
                for reader in self.readers:
                    reader.join(LONG)
                compare(self, self.case["expect"], took * 1e3)
            finally:
                with self.changed:
                    for asked in self.asked.values():
                        asked.finish_with = asked.finish_with or {"fail": "LLMQ_ERR_CANCELLED"}
                    self.changed.notify_all()
                self.manager.close("abort")
        if sorted(self.done + self.permits) != sorted(self.asked):
            count = len(self.done) + len(self.permits)
            raise Wrong(f"{count} ends of {len(self.asked)} requests")

    def _all_done(self):
        return len(self.done) + len(self.permits) >= len(self.asked)

    @property
    def started(self):
        return [ref for ref in self.attempts.values() if ref is not None]

    def _until(self, what, is_so):
        with self.changed:
            self.goals.append(is_so)
            try:
                if not self.changed.wait_for(is_so, LONG):
                    raise Wrong(f"waited for too long until {what}")
            finally:
                self.goals.remove(is_so)

    def _tell(self):
        """With the lock: wakes who waits for what is so now. Waking all each time would be slow."""
        if any(is_so() for is_so in self.goals):
            self.changed.notify_all()

    # Processors

    def _process(self, models):
        for model in models:
            if model in self.manager.models():
                lease = self.case.get("workers", {}).get("lease_ms")
                self.manager.set_processor(
                    model, self._attempt, threads=64, lease=None if lease is None else lease / 1e3
                )
                self._note_order()

    def _note_order(self):
        # Attempts come one after the other; the threads that run them may overtake each other.
        handlers = self.manager._port.handlers
        ready = handlers[llmq._constants.EV_READY]
        if ready == self.manager._workers._ready:

            def noted(place, raw):
                self.attempts[raw[w.ATTEMPT_ID]] = None
                ready(place, raw)

            handlers[llmq._constants.EV_READY] = noted

    def _attempt(self, job):
        asked = self._of(job)
        with self.changed:
            self.attempts[job.attempt_id] = asked.ref
            asked.begun.append(job.number)
            self._tell()
        script = asked.attempts or self.scripts[job.model]
        outcome = script[min(job.number, len(script)) - 1]
        if outcome.get("hold"):
            for piece in outcome.get("chunks", ()):
                job.chunk(piece)
            outcome = self._hold(job, asked)
        return self._end(job, asked, outcome)

    def _of(self, job):
        if job.request_key:
            return self.asked[job.request_key]
        # A shared call has no key of its own: it was begun by the request with this number.
        waiter = self.manager._port.waiting[job._piece.raw[w.USER_DATA]]
        found = []

        def known():
            found[:] = [each for each in self.asked.values() if each.future is waiter]
            return found

        self._until("the first of a shared call is known", known)
        return found[0]

    def _hold(self, job, asked):
        while True:
            job.heartbeat()
            with self.changed:
                if asked.finish_with is not None:
                    outcome, asked.finish_with = asked.finish_with, None
                    return outcome
                if job.cancelled:
                    asked.stopped = True
                    self._tell()
                    return {"fail": "LLMQ_ERR_CANCELLED"}
                self.changed.wait(0.01)

    def _end(self, job, asked, outcome):
        check_keys("an outcome", outcome, OUTCOME)
        for piece in outcome.get("chunks", ()):
            job.chunk(piece)
        if "usage" in outcome:
            job.usage = llmq.Usage(**outcome["usage"])
        if outcome.get("vanish") and job.wait_cancelled(LONG):
            with self.changed:
                asked.stopped = True
                self._tell()
        if "succeed" in outcome:
            return outcome["succeed"]
        if "echo" in outcome:
            what = outcome["echo"]
            return str(len(job.payload)) if what == "payload_bytes" else getattr(job, what)
        if "throw" in outcome:
            raise ValueError(outcome["throw"])
        wait = outcome.get("retry_after_ms")
        raise llmq.Error(
            status(outcome.get("fail", "LLMQ_ERR_CANCELLED")),
            outcome.get("message", "failed"),
            retry_after=None if wait is None else wait / 1e3,
        )

    # Steps

    def _step(self, step):
        what = step.pop("do")
        if what not in STEPS:
            raise Wrong(f"unknown step {what}")
        check_keys(f"step {what}", step, STEPS[what] or REQUEST)
        error = step.pop("error", None)
        try:
            getattr(self, f"_{what}")(step, error)
        except llmq.Error as problem:
            if error is None or name(problem.status) != error:
                raise Wrong(f"{what}: {problem}") from problem
        else:
            if error is not None and what not in ("submit_batch", "cancel"):
                raise Wrong(f"{what} went well, expected {error}")

    def _request(self, step):
        check_keys("a request", step, REQUEST)
        ref, model = step["ref"], step.get("model", "m")
        operation = step.get("operation", "custom")
        if "payload_bytes" in step:
            payload = "x" * step["payload_bytes"]
        elif "payload" in step:
            payload = step["payload"]
        elif operation == "chat":
            payload = {"model": model, "messages": [{"role": "user", "content": ref}]}
        else:
            payload = ref
        options = {
            "request_key": ref,
            "operation": llmq.Operation[operation.upper()],
            "metadata": step.get("metadata", "").encode(),
        }
        if "priority" in step:
            options["priority"] = llmq.Priority[step["priority"].upper()]
        same = {"tenant", "dedup_key", "est_input_tokens", "est_output_tokens", "max_attempts"}
        same |= {"restart", "keep", "late_usage"}
        options.update({key: step[key] for key in same if key in step})
        for key in ("deadline", "timeout"):
            if f"{key}_ms" in step:
                options[key] = step[f"{key}_ms"] / 1e3
        asked = Asked(ref, options["metadata"], step.get("attempts"))
        return asked, llmq.Request(model, payload, **options), step

    def _submit(self, step, _error):
        asked, request, _ = self._request(step)
        self.asked[asked.ref] = asked
        try:
            if step.get("stream"):
                made = self.manager.stream(request.model, request.payload, **request.options)
                self._read(asked, made)
            else:
                made = self.manager.submit(request.model, request.payload, **request.options)
                self._watch(asked, made, step)
        except llmq.Error:
            del self.asked[asked.ref]
            raise

    def _watch(self, asked, future, step):
        with self.changed:
            asked.future, asked.request_id = future, future.request_id
            self._tell()
        future.add_done_callback(lambda done: self._ended(asked, done.response()))
        if step.get("on_done") == "throw":
            future.add_done_callback(lambda _: 1 / 0)

    def _ended(self, asked, response):
        with self.changed:
            if asked.response is not None:
                raise Wrong(f"{asked.ref} ended twice")
            asked.response = response
            self.done.append(asked.ref)
            self._tell()

    def _read(self, asked, stream):
        with self.changed:
            asked.future, asked.request_id = stream._inbox, stream.request_id
            self._tell()

        def read():
            try:
                for chunk in stream:
                    with self.changed:
                        asked.chunks.append(chunk.text)
                        self._tell()
            except llmq.Error:
                pass  # told by the response
            self._ended(asked, stream.response())

        reader = threading.Thread(target=read, daemon=True)
        self.readers.append(reader)
        reader.start()

    def _submit_many(self, step, _error):
        count, ref = step.pop("count"), step["ref"]
        many = [self._request({**step, "ref": f"{ref}{i}"}) for i in range(count)]
        if step.get("stream"):
            for i in range(count):
                self._submit({**step, "ref": f"{ref}{i}"}, None)
            return
        self.asked.update({asked.ref: asked for asked, _, _ in many})
        futures = self.manager.submit_batch([request for _, request, _ in many])
        for (asked, _, own), future in zip(many, futures):
            self._watch(asked, future, own)

    def _submit_batch(self, step, error):
        many = [self._request(each) for each in step["requests"]]
        self.asked.update({asked.ref: asked for asked, _, _ in many})
        try:
            futures = self.manager.submit_batch([request for _, request, _ in many])
        except llmq.Error as problem:
            if name(problem.status) != error:
                raise
            futures = problem.accepted
        else:
            if error is not None:
                raise Wrong(f"the batch was taken, expected {error}")
        if len(futures) != step.get("accepted", len(many)):
            raise Wrong(f"{len(futures)} were accepted")
        for asked, _, _ in many[len(futures) :]:
            del self.asked[asked.ref]
        for (asked, _, own), future in zip(many, futures):
            self._watch(asked, future, own)

    def _wait(self, step, _error):
        what = step["for"]
        asked = self.asked.get(step.get("ref"))
        if what == "stats":
            self._wait_for_stats(step.get("model"), step["is"])
            return
        tests = {
            "done": lambda: asked.response is not None,
            "started": lambda: (
                step["attempt"] in asked.begun if "attempt" in step else bool(asked.begun)
            ),
            "stopped": lambda: asked.stopped,
            "permit": lambda: asked.permit is not None,
            "chunks": lambda: len(asked.chunks) >= step.get("count", 1),
        }
        if what not in tests:
            raise Wrong(f"unknown wait {what}")
        self._until(f"{step['ref']} is {what}", tests[what])

    def _wait_for_stats(self, model, wanted):
        until = time.monotonic() + LONG
        while time.monotonic() < until:
            with contextlib.suppress(llmq.ClosedError):
                self.manager.info()  # a turn of the loop: no event tells of counters
            stats = self.manager.stats(model)
            if all(getattr(stats, key) == value for key, value in wanted.items()):
                return
        raise Wrong(f"waited for too long until stats are {wanted}")

    def _cancel(self, step, error):
        asked = self.asked[step["ref"]]
        went = self.manager.cancel(asked.request_id)
        if went != (error is None):
            raise Wrong(f"cancel of {asked.ref}: {went}, expected {error}")

    def _finish(self, step, _error):
        with self.changed:
            self.asked[step["ref"]].finish_with = step["with"]
            self.changed.notify_all()

    def _set(self, step, _error):
        self.manager.set(step["key"], step["value"])

    def _add_models(self, step, _error):
        self.scripts.update(step.get("processors", {}))
        self.manager.register(step["config"])
        self._process(self.scripts)

    def _remove_model(self, step, _error):
        self.manager.remove_model(step.get("model", "m"), step.get("mode", "drain"))

    def _acquire(self, step, _error):
        asked, request, _ = self._request(step)
        waiter = self.manager._ask(request.model, b"", request.options)
        asked.request_id = waiter.request_id
        self.asked[asked.ref] = asked
        threading.Thread(target=self._take, args=(asked, waiter), daemon=True).start()

    def _take(self, asked, waiter):
        try:
            permit = waiter.wait()
        except llmq.Error as refused:
            self._ended(asked, refused.response)
            return
        with self.changed:
            asked.permit = permit
            self.permits.append(asked.ref)
            self._tell()

    def _release(self, step, _error):
        permit = self.asked[step["ref"]].permit
        if "fail" in step:
            wait = step.get("retry_after_ms")
            was_there = permit.fail(
                status(step["fail"]), retry_after=None if wait is None else wait / 1e3
            )
        else:
            was_there = permit.release(llmq.Usage(**step["usage"]) if "usage" in step else None)
        if not was_there:
            raise llmq.StaleError

    def _usage_update(self, step, _error):
        usage = llmq.Usage(**step["usage"])
        self.manager.update_usage(self.asked[step["ref"]].request_id, usage)

    def _response_get(self, step, _error):
        from scenario_expect import check_response

        response = self.manager.take_response(self.asked[step["ref"]].request_id)
        if response is None:
            raise llmq.Error(llmq.Status.AGAIN)
        check_response(step["ref"], step.get("is", {}), response, [])

    def _shutdown(self, step, _error):
        bound = step.get("deadline_ms")
        self.manager.shutdown(step["mode"], None if bound is None else bound / 1e3)


def status(text):
    """The status of a name."""
    return llmq.Status[text.removeprefix("LLMQ_ERR_").removeprefix("LLMQ_")]


def name(number):
    """The name of a status."""
    return "LLMQ_OK" if number == 0 else f"LLMQ_ERR_{llmq.Status(number).name}"


__all__ = ["Scenario", "Wrong", "json"]

"""One run: a mock provider, a client that works through the requests, and what the mock counted."""
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request

MOST_SECONDS = 180  # of one run; what is not done by then is reported as such


class CannotRun(Exception):
    """The run says nothing of accuracy: a program did not start or refused its settings."""


class Mock:
    """`llmq mock` on a free loopback port, until the end of the `with` block."""

    def __init__(self, llmq, case, seed):
        command = [llmq, "mock", "--seed", str(seed), *case.mock]
        for limit in case.mock_limits():
            command += ["--limit", limit]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            raise CannotRun(f"llmq mock: {self._process.communicate()[1].strip()}")
        self.url = line.removeprefix("listening on ").strip()

    def stats(self):
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/stats", timeout=30) as reply:
            return json.load(reply)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate()


def ideal_ms(stats, against_sliding):
    """The mock's ideal; for fixed windows judged as sliding ones, (windows - 1) x period.

    The mock's ideal of a fixed limit is first_edge + (windows - 2) x period, and 0 for one window.
    """
    if not against_sliding:
        return stats["ideal_ms"]
    ideals = [0.0]
    for limit in stats["limits"]:
        ideal = limit["ideal_ms"]
        edge = limit["first_edge_ms"]
        ideals.append(ideal + limit["period_ms"] - edge if edge is not None and ideal > 0 else ideal)
    return max(ideals)


def figures(stats, against_sliding, sent, completed, failed):
    """What one run amounted to. `sent` is the number of requests that the client was given."""
    refused = stats["statuses"].get("429", 0)
    calls = stats["requests"]
    ideal = ideal_ms(stats, against_sliding)
    return {
        "calls": calls,
        "refused": refused,
        "refused_percent": 100 * refused / calls if calls else 0.0,
        "last_accepted_s": stats["last_accepted_ms"] / 1000,
        "ideal_s": ideal / 1000,
        "over_ideal": stats["last_accepted_ms"] / ideal if ideal > 0 else 0.0,
        "completed": completed,
        "failed": failed,
        "unfinished": sent - completed - failed,
    }


class Sampler:
    """Polls /stats beside a run: (seconds, calls, 429s, accepted units per limit)."""

    def __init__(self, mock, interval=0.05):
        self.rows = []
        self._mock = mock
        self._interval = interval
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    def _poll(self):
        while not self._done.wait(self._interval):
            stats = self._mock.stats()
            units = {limit["limit"].split("/")[0]: limit["accepted_units"] for limit in stats["limits"]}
            self.rows.append((stats["elapsed_ms"] / 1000, stats["requests"], stats["statuses"].get("429", 0), units))

    def stop(self):
        self._done.set()
        self._thread.join()
        return self.rows


def finish(process):
    """Waits for a client, at most MOST_SECONDS; then it is asked to say how far it came."""
    try:
        out, err = process.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        try:
            out, err = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    return out, err


def run_llmq(llmq, mock, case, requests, work):
    """Returns (completed, failed)."""
    out, summary = work / "out.jsonl", work / "summary.json"
    for file in (out, summary):
        file.unlink(missing_ok=True)
    command = [llmq, "run", str(requests), "-o", str(out), "--base-url", mock.url, "--quiet", "--summary", str(summary)]
    for limit in case.client_limits():
        command += ["--limit", limit]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _, err = finish(process)
    if not summary.exists() or summary.stat().st_size == 0:
        raise CannotRun(f"llmq run: {err.strip().splitlines()[-1] if err.strip() else process.returncode}")
    totals = json.loads(summary.read_text())
    return totals["completed"], totals["failed"]


def run_peer(command, mock, requests, arguments=()):
    """A peer prints {"completed": N, "failed": N} when it is done, and on SIGTERM. Returns the two."""
    process = subprocess.Popen([*command, mock.url, str(requests), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    out, err = finish(process)
    last = out.strip().splitlines()[-1:] or [""]
    try:
        totals = json.loads(last[0])
        if totals["failed"] and err.strip():
            print(f"  one of its errors: {err.strip().splitlines()[-1][:300]}", file=sys.stderr)
        return totals["completed"], totals["failed"]
    except (ValueError, KeyError) as problem:
        raise CannotRun(f"{' '.join(command)}: {(err.strip() or out.strip() or 'no output')[-400:]}") from problem


def measure(llmq, case, seed, sent, client, sample=False):
    """One run of `client` (called with the mock, returns (completed, failed)) under `case`."""
    with Mock(llmq, case, seed) as mock:
        sampler = Sampler(mock) if sample else None
        started = time.monotonic()
        try:
            completed, failed = client(mock)
        finally:
            rows = sampler.stop() if sampler else []
        result = figures(mock.stats(), case.against_sliding, sent, completed, failed)
        result["took_s"] = time.monotonic() - started
        result["rows"] = rows
        return result

#!/usr/bin/env python3
"""600 requests to `llmq mock` over every wire, whole and streamed, no limit given to `llmq run`: it learns them.

All runs go side by side, for three to five minutes. Exit code 0: every request was answered, with few 429s.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNT = 600
MOST_REFUSED = 0.02
MOST_TIME = 1.15
MOST_SECONDS = 1200

# Name, provider of `llmq run`, provider of the mock, path of the base URL, limits of the mock, its other options.
WIRES = [
    ("openai", "openai", "openai", "/v1", ["requests=150/1m,shape=bucket", "tokens=40000/1m,shape=bucket"], []),
    ("azure", "azure", "azure", "/openai/v1", ["requests=150/1m,shape=sliding"], []),
    # Its header of requests tells of a day, that of tokens of a minute. Output counts afterwards; and as if it did not.
    ("groq", "groq", "groq", "/v1", ["tokens=8000/1m,shape=bucket"], ["--charge", "realtime"]),
    ("groq-max", "groq", "groq", "/v1", ["tokens=20000/1m,shape=bucket"], []),
    ("anthropic", "anthropic", "openai", "/v1",
     ["requests=150/1m,shape=bucket", "input_tokens=40000/1m,shape=bucket", "output_tokens=40000/1m,shape=bucket"],
     ["--charge", "realtime"]),
    ("gemini", "gemini", "openai", "/v1beta", ["requests=130/1m,shape=fixed"], []),
    ("cohere", "cohere", "openai", "/v2", ["requests=150/1m,shape=sliding"], []),
    ("ollama", "ollama", "openai", "", ["concurrency=16"], ["--latency", "1s..2s"]),
]


def requests_file(folder):
    """The project's requests, as often as it takes, each with an id of its own."""
    lines = (ROOT / "examples" / "data" / "requests.jsonl").read_text().splitlines()
    path = folder / "requests.jsonl"
    with path.open("w") as out:
        for i in range(COUNT):
            line = json.loads(lines[i % len(lines)])
            line["custom_id"] = f"wire-{i}"
            out.write(json.dumps(line) + "\n")
    return path


class Run:
    def __init__(self, llmq, wire, stream, folder, requests):
        self.name, provider, mock_provider, path, limits, options = wire
        self.stream = stream
        own = folder / f"{self.name}-{stream}"
        own.mkdir()
        latency = [] if "--latency" in options else ["--latency", "100ms..600ms"]
        command = [llmq, "mock", "--provider", mock_provider, *latency, *options]
        for limit in limits:
            command += ["--limit", limit]
        self.stats_file = own / "stats.json"
        self._mock = subprocess.Popen([*command, "--stats", str(self.stats_file)], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True)
        url = self._mock.stdout.readline().removeprefix("listening on ").strip().removesuffix("/v1")
        self.summary_file = own / "summary.json"
        command = [llmq, "run", str(requests), "-o", str(own / "out.jsonl"), "-q", "--provider", provider,
                   "--base-url", url + path, "--api-key-env", "LLMQ_WIRES_KEY", "--summary", str(self.summary_file)]
        if stream:
            command.append("--stream")
        self._run = subprocess.Popen(command, env=dict(os.environ, LLMQ_WIRES_KEY="sk-wires"),
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def result(self):
        try:
            self.error = self._run.communicate(timeout=MOST_SECONDS)[1].strip()
        except subprocess.TimeoutExpired:
            self._run.kill()
            self.error = "not done in time"
        self._mock.terminate()
        self._mock.wait()
        if not self.summary_file.exists():
            return None
        return json.loads(self.summary_file.read_text()), json.loads(self.stats_file.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llmq", default=str(ROOT / "build/release/llmq"))
    parser.add_argument("--only", default="", help="wires whose name matches this")
    arguments = parser.parse_args()
    wires = [wire for wire in WIRES if re.search(arguments.only, wire[0])]
    bad = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        requests = requests_file(folder)
        runs = [Run(arguments.llmq, wire, stream, folder, requests) for wire in wires for stream in (False, True)]
        print("| wire | form | answered | failed | 429s of calls | last accepted / ideal | s | |")
        print("|---|---|---|---|---|---|---|---|")
        for run in runs:
            result = run.result()
            form = "stream" if run.stream else "JSON"
            if result is None:
                print(f"| {run.name} | {form} | {run.error} |")
                bad = True
                continue
            summary, stats = result
            refused = stats["statuses"].get("429", 0)
            calls = stats["requests"]
            over = stats.get("last_over_ideal") or 0
            kept = (summary["completed"] == COUNT and refused <= MOST_REFUSED * calls and
                    (stats["ideal_ms"] == 0 or over <= MOST_TIME))
            bad = bad or not kept
            print(f"| {run.name} | {form} | {summary['completed']} | {summary['failed']} | {refused} of {calls} "
                  f"| {over:.3f} | {summary['elapsed_ms'] / 1000:.0f} | {'kept' if kept else 'BROKEN'} |", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""How soon after the time that a provider told does the next attempt come?

For each way to tell it, runs of `llmq run` against `llmq mock`, which refuses half of the calls and notes when each
comes again. A wait W is obeyed with jitter of up to W/5, so that those who waited do not come at once. Exit code 0:
none came early, and none later than W/5 + 50 ms. Needs a machine that does nothing else.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WAIT_MS = 2000
MARGIN_MS = 50

# Name, provider of the run, of the mock, path of the base URL, --hints, fault, the longest wait that is told, in ms.
WAYS = [
    ("seconds", "openai", "openai", "/v1", "seconds", "--fail-rate-limited", WAIT_MS),
    ("float", "openai", "openai", "/v1", "float", "--fail-rate-limited", WAIT_MS),
    ("ms", "openai", "openai", "/v1", "ms", "--fail-rate-limited", WAIT_MS),
    ("date", "openai", "openai", "/v1", "date", "--fail-rate-limited", WAIT_MS + 1000),
    ("body text", "openai", "openai", "/v1", "body", "--fail-rate-limited", WAIT_MS),
    ("RetryInfo", "gemini", "openai", "/v1beta", "body", "--fail-rate-limited", WAIT_MS),
    ("503, seconds", "azure", "azure", "/openai/v1", "seconds", "--fail-overloaded", WAIT_MS),
]


def measure(llmq, way, folder, count):
    name, provider, mock_provider, path, hints, fault, _ = way
    stats_file = folder / f"{name}.stats"
    mock = subprocess.Popen(
        [llmq, "mock", "--provider", mock_provider, fault, "0.5", "--retry-after", f"{WAIT_MS}ms", "--hints", hints,
         "--stats", str(stats_file)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = mock.stdout.readline().removeprefix("listening on ").strip().removesuffix("/v1")
    config = folder / "config.json"
    config.write_text('{"models":[{"name":"*","find_limits":false,"retry":{"base_ms":1,"cap_ms":1}}]}')
    # One request at a time: another one's refusal would put off the retry of the first, and rightly.
    for i in range(count):
        body = {"model": "m", "max_tokens": 16, "messages": [{"role": "user", "content": f"Say {i}"}]}
        requests = folder / "in.jsonl"
        requests.write_text(json.dumps({"custom_id": str(i), "method": "POST", "url": "/v1/chat/completions",
                                        "body": body}) + "\n")
        run = subprocess.run(
            [llmq, "run", str(requests), "-o", str(folder / "out.jsonl"), "--force", "-q", "--config", str(config),
             "--provider", provider, "--base-url", url + path, "--api-key-env", "LLMQ_KEY", "--max-attempts", "60"],
            env=dict(os.environ, LLMQ_KEY="sk-any"), stderr=subprocess.PIPE, text=True)
        if run.returncode != 0:
            sys.exit(f"{name}: the run failed: {run.stderr}")
    mock.terminate()
    mock.wait()
    return json.loads(stats_file.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llmq", default=str(ROOT / "build/release/llmq"))
    parser.add_argument("--count", type=int, default=10, help="requests per way")
    arguments = parser.parse_args()
    bad = False
    print(f"{'told by':14} {'told':>5} {'early':>6} {'latest':>10} {'allowed':>10}")
    with tempfile.TemporaryDirectory() as name:
        for way in WAYS:
            stats = measure(arguments.llmq, way, pathlib.Path(name), arguments.count)
            allowed = way[6] / 5 + MARGIN_MS
            late = stats["latest_retry_ms"]
            bad = bad or stats["early_retries"] > 0 or late > allowed
            print(f"{way[0]:14} {stats['retries_told']:5} {stats['early_retries']:6} {late:7.1f} ms {allowed:7.0f} ms")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

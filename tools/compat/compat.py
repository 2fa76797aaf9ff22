#!/usr/bin/env python3
"""Runs `llmq run` against servers that the project did not write, and says how each run ended.

Exit code 0: every request of every run was answered with its usage; 1: not; 2: a server did not start.
"""
import argparse
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tools" / "compat"
MOST_SECONDS = 300  # of one run
START_SECONDS = 120


class Server:
    """A command that serves on {port}, and the wires that llmq speaks to it: (provider, path of the base URL)."""

    def __init__(self, name, command, wires, requests=100, model="gpt-4o-mini"):
        self.name = name
        self.command = command
        self.wires = wires
        self.requests = requests
        self.model = model  # one that it serves


def servers(folder):
    node = folder / "node_modules" / ".bin"
    return [
        Server("aimock 1.43.0 (npm)",
               [node / "llmock", "--port", "{port}", "-f", HERE / "fixtures.json", "--log-level", "silent"],
               [("openai", "/v1"), ("azure", "/openai/v1"), ("anthropic", "/v1"), ("gemini", "/v1beta"),
                ("cohere", "/v2"), ("ollama", ""), ("openrouter", "/api/v1")]),
        Server("aimock, 5 % of calls refused",
               [node / "llmock", "--port", "{port}", "-f", HERE / "fixtures.json", "--log-level", "silent",
                "--chaos-ratelimit", "0.05"],
               [("openai", "/v1"), ("anthropic", "/v1")]),
        Server("mock-openai-api 1.0.3 (npm)",
               [node / "mock-openai-api", "--host", "127.0.0.1", "--port", "{port}"],
               [("openai-compatible", "/v1")], model="gpt-4-mock"),
        Server("LiteLLM proxy 1.108.7 (PyPI), 120 requests/min",
               [folder / "venv" / "bin" / "litellm", "--config", HERE / "litellm.yaml", "--host", "127.0.0.1",
                "--port", "{port}"],
               [("litellm-proxy", "/v1")], requests=150),
    ]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Running:
    """The server, from its first accepted connection until the end of the `with` block."""

    def __init__(self, server):
        self.port = free_port()
        command = [str(word).replace("{port}", str(self.port)) for word in server.command]
        environment = dict(os.environ, LITELLM_LOCAL_MODEL_COST_MAP="True")
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                         env=environment, cwd=tempfile.gettempdir())
        end = time.monotonic() + START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                sys.exit(f"compat: {server.name} did not start")
            time.sleep(0.1)  # nothing tells that it listens

    def _listens(self):
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def run(llmq, server, port, provider, path, stream, folder):
    requests = folder / "requests.jsonl"
    lines = (ROOT / "examples" / "data" / "requests.jsonl").read_text().splitlines()[:server.requests]
    requests.write_text("\n".join(lines).replace("gpt-4o-mini", server.model) + "\n")
    command = [llmq, "run", str(requests), "-o", str(folder / "out.jsonl"), "--force", "-q",
               "--provider", provider, "--base-url", f"http://127.0.0.1:{port}{path}",
               "--api-key-env", "LLMQ_COMPAT_KEY", "--summary", str(folder / "summary.json")]
    if stream:
        command.append("--stream")
    environment = dict(os.environ, LLMQ_COMPAT_KEY="sk-local")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=MOST_SECONDS)
    if not (folder / "summary.json").exists():
        return {"error": done.stderr.strip()}
    summary = json.loads((folder / "summary.json").read_text())
    failures = [json.loads(line)["error"] for line in (folder / "out.jsonl").read_text().splitlines()]
    summary["error"] = next((str(failure) for failure in failures if failure), "")
    (folder / "summary.json").unlink()
    return summary


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llmq", default=str(ROOT / "build/release/llmq"))
    parser.add_argument("--only", default="", help="servers whose name matches this")
    arguments = parser.parse_args()
    installed = ROOT / "build" / "compat"
    subprocess.run([str(HERE / "install.sh"), str(installed)], check=True)
    print("| server | provider | form | answered | failed | 429s | s | input / output tokens |")
    print("|---|---|---|---|---|---|---|---|")
    bad = False
    for server in servers(installed):
        if not re.search(arguments.only, server.name):
            continue
        with Running(server) as running, tempfile.TemporaryDirectory() as folder:
            for provider, path in server.wires:
                for stream in (False, True):
                    got = run(arguments.llmq, server, running.port, provider, path, stream, pathlib.Path(folder))
                    form = "stream" if stream else "JSON"
                    if "completed" not in got:
                        print(f"| {server.name} | {provider} | {form} | {got['error']} |", flush=True)
                        bad = True
                        continue
                    print(f"| {server.name} | {provider} | {form} | {got['completed']} | {got['failed']} "
                          f"| {got['http_429']} | {got['elapsed_ms'] / 1000:.1f} "
                          f"| {got['input_tokens']} / {got['output_tokens']} |", flush=True)
                    if got["completed"] != server.requests:
                        print(f"compat: {got['error']}", file=sys.stderr)
                        bad = True
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

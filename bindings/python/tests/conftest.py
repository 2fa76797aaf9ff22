import json
import os
import subprocess
import sys

import pytest

import llmq

#: Longest that anything may take on a busy machine; never waited for when all is well.
LONG = 60


def chat(text="Name a river.", **more):
    return {"messages": [{"role": "user", "content": text}], "max_tokens": 5, **more}


def mock(name="m", latency_ms=0, **more):
    return {"name": name, "provider": "mock", "mock": {"latency_ms": latency_ms}, **more}


def config(*models, **more):
    return {"models": list(models) or [mock()], **more}


#: Answers of this model never come.
HANG = {"name": "hang", "provider": "mock", "mock": {"fail_hang": 1}, "timeout_ms": 0}


@pytest.fixture
def manager():
    with llmq.Manager(config(mock(), HANG)) as made:
        yield made
        made.close("abort")


@pytest.fixture
def run_python():
    """Runs a program in an interpreter of its own; gives its output."""

    def run(source, *, seconds=LONG, expect=0, env=None):
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", source],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env={**os.environ, **(env or {})},
        )
        assert done.returncode == expect, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def mock_server():
    """Starts `llmq mock`; gives a function of its options that tells the URL."""
    program = os.environ["LLMQ_PROGRAM"]
    running = []

    def start(*options):
        server = subprocess.Popen(
            [program, "mock", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        running.append(server)
        line = server.stdout.readline()
        told = next(word for word in line.split() if word.startswith("http://"))
        return told.rstrip("/").removesuffix("/v1")

    yield start
    for server in running:
        server.terminate()
        server.wait(LONG)


def mock_stats(url):
    import urllib.request

    with urllib.request.urlopen(f"{url}/stats", timeout=LONG) as answer:
        return json.load(answer)

"""gunicorn with preload: the manager is made before the workers are forked."""

import json
import os
import subprocess
import sys
import urllib.request

import pytest
from conftest import LONG

pytest.importorskip("gunicorn")

APP = """
import json, os
import llmq

CONFIG = {"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0}}]}
BODY = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 5}
manager = llmq.Manager(CONFIG, on_fork=os.environ["ON_FORK"])
assert manager.call("m", BODY).ok
MADE_IN = os.getpid()

def app(environ, start_response):
    try:
        told = {"ok": manager.call("m", BODY).ok}
    except llmq.ForkedError as error:
        told = {"error": str(error)}
    told["forked"] = os.getpid() != MADE_IN
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]
"""


@pytest.mark.parametrize("on_fork", ["renew", "error"])
def test_preload(tmp_path, on_fork):
    (tmp_path / "program.py").write_text(APP)
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2"]
    command += ["--bind", "127.0.0.1:0", "--worker-tmp-dir", str(tmp_path), "program:app"]
    with subprocess.Popen(
        [*command, "--no-control-socket"] if _has_control_socket() else command,
        cwd=tmp_path,
        env={**os.environ, "ON_FORK": on_fork},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            url = next(
                word
                for line in server.stderr
                if "Listening at" in line
                for word in line.split()
                if word.startswith("http://")
            )
            with urllib.request.urlopen(url, timeout=LONG) as answer:
                told = json.load(answer)
        finally:
            server.terminate()
            server.stderr.read()
    assert told["forked"]
    if on_fork == "renew":
        assert told["ok"]
    else:
        assert "before a fork" in told["error"]
    assert server.returncode == 0


def _has_control_socket():
    told = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--help"], capture_output=True, text=True, check=True
    )
    return "--no-control-socket" in told.stdout

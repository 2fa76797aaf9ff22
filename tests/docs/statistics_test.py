"""statistics_test.py ROOT PROGRAM LLMQ: docs/STATISTICS.md names every key that the JSON of the library may hold, and no
other. The sources tell which names there are, real managers (PROGRAM) and a real run (LLMQ) where they stand."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT, PROGRAM, LLMQ = (Path(argument).resolve() for argument in sys.argv[1:])
SOURCES = ("loop_info.cc", "limit_report.cc", "manager.cc", "token_learning.cc")
NAMED = re.compile(r'\b(?:cJSON_A|a)dd\w*\([^,;"]+,\s*"(\w+)"|\b(?:add|put|both)\("(\w+)"')
PARTS = {"cache", "estimates", "input", "output", "p95", "concurrency", "quota_exhausted", "by_refusals", "learnt",
         "models", "tenants", "limits", "deployments", "tenant_limits"}  # objects and lists
LINE = ('{"custom_id": "%d", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": '
        '[{"role": "user", "content": "x"}]}}\n')


def documented():
    """path -> whether it is always there."""
    found, places = {}, []
    for line in (ROOT / "docs/STATISTICS.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("Where: "):
            places = re.findall(r"`([^`]+)`", line)
        row = re.match(r"\| `([\w.]+)` \| ([^|]*) \|", line)
        for place in places if row else ():
            found[f"{place}.{row[1]}"] = row[2] == "always"
    return found


def walk(value, path):
    """Paths of all leaves: names of models and tenants are *, places of lists []."""
    if isinstance(value, dict):
        for key, part in value.items():
            name = "*" if path in ("stats.models", "stats.tenants") else key
            yield from walk(part, f"{path}.{name}")
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        for part in value:
            yield from walk(part, path + "[]")
    elif value != [] and value != {}:
        yield path


def printed():
    """(what, object) of managers in many states, and of a run."""
    mock = subprocess.Popen([LLMQ, "mock", "--limit", "requests=500/1m", "--limit", "tokens=50000/1m", "--quota-after",
                             "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        url = re.search(r"http://\S+", mock.stdout.readline())[0]
        lines = subprocess.run([PROGRAM, url], capture_output=True, text=True, check=True, timeout=120).stdout
    finally:
        mock.kill()
        mock.wait()
    for line in lines.splitlines():
        what, _, text = line.partition(" ")
        yield what, json.loads(text)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in").write_text("".join(LINE % i for i in range(3)), encoding="utf-8")
        subprocess.run([LLMQ, "run", "in", "-q", "-o", "out", "--provider", "mock", "--stream", "--summary", "summary",
                        "--price-input", "1", "--price-output", "1", "--max-cost", "1"], cwd=folder, check=True)
        yield "summary", json.loads((Path(folder) / "summary").read_text(encoding="utf-8"))


def main():
    """Prints what does not agree."""
    known, seen, bad = documented(), set(), set()
    for what, value in printed():
        paths = set(walk(value, what))
        seen |= paths
        bad |= {f"{path} is printed, and not documented" for path in paths - known.keys()}
        if what in ("stats", "summary"):
            always = {path for path, there in known.items() if there and re.match(rf"{what}\.", path)}
            bad |= {f"{path} is documented as always there, and was not" for path in always - paths}
    sources = [ROOT / "src/runtime" / name for name in SOURCES] + [ROOT / "src/cli/summary.cc"]
    names = {a or b for source in sources for a, b in NAMED.findall(source.read_text(encoding="utf-8"))} - PARTS
    names |= {"urgent", "high", "normal", "batch"}
    told = {path.rpartition(".")[2] for path in known}
    bad |= {f"{name} is in the sources, and not documented" for name in names - told}
    bad |= {f"{name} is documented, and not in the sources" for name in told - names - PARTS}
    unseen = {path for path in known if path.startswith("info.") and known[path]} - seen
    bad |= {f"{path} is documented as always there, and was never printed" for path in unseen}
    print("\n".join(sorted(bad)) or f"{len(known)} keys, {len(seen)} of them seen")
    print("not seen here:", ", ".join(sorted(known.keys() - seen)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

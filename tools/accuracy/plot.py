#!/usr/bin/env python3
"""Draws docs/img/NAME.svg. load and waits measure first; peers draws the figures of the last run with --peers."""
import bisect
import json
import subprocess
import sys
from pathlib import Path

import accuracy
import harness
from cases import CASES, Case
from peers import PEERS

HERE = Path(__file__).resolve().parent
IMAGES = accuracy.ROOT / "docs/img"
WORK = accuracy.ROOT / "build/accuracy"
LLMQ = str(accuracy.ROOT / "build/release/llmq")
WAITS = str(accuracy.ROOT / "build/release/accuracy/llmq_waits")
PERIOD_S = 6


def draw(name):
    IMAGES.mkdir(parents=True, exist_ok=True)
    image = IMAGES / f"{name}.svg"
    settings = f"data='{WORK / (name + '.dat')}'; image='{image}'"
    subprocess.run(["gnuplot", "-e", settings, str(HERE / f"{name}.gp")], check=True)
    print(f"{image.relative_to(accuracy.ROOT)}")


def write_data(name, lines):
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / f"{name}.dat").write_text("\n".join(lines) + "\n", encoding="utf-8")


def used_percent(times, totals, amount):
    """At each sample: what was accepted within the period before it, as a share of the limit."""
    used = []
    for now, total in zip(times, totals):
        before = bisect.bisect_right(times, now - PERIOD_S) - 1
        used.append(100 * (total - (totals[before] if before >= 0 else 0)) / amount)
    return used


def measure_load():
    case = next(case for case in CASES if case.name == "sliding")
    requests = accuracy.find_requests()
    sent = sum(1 for line in requests.read_text(encoding="utf-8").splitlines() if line.strip())
    run = harness.measure(LLMQ, case, 1, sent,
                          lambda mock: harness.run_llmq(LLMQ, mock, case, requests, WORK), sample=True)
    times = [row[0] for row in run["rows"]]
    columns = [used_percent(times, [row[3][kind] for row in run["rows"]], amount)
               for kind, amount in (("requests", 300), ("tokens", 60000))]
    refused = [row[2] for row in run["rows"]]
    write_data("load", (" ".join(map(str, values)) for values in zip(times, *columns, refused)))


def measure_waits():
    case = Case("waits", "", rates=("requests=300/6s",))
    with harness.Mock(LLMQ, case, 1) as mock:
        done = subprocess.run([WAITS, mock.url], capture_output=True, text=True, timeout=harness.MOST_SECONDS)
    if done.returncode != 0:
        raise harness.CannotRun(done.stderr.strip())
    waits = {}
    for line in done.stdout.splitlines():
        name, seconds = line.split()
        waits.setdefault(name, []).append(float(seconds))
    lines = []
    for name in ("urgent", "high", "normal", "batch"):
        values = sorted(waits[name])
        lines.append(" ".join([name, *(f"{values[int(share * (len(values) - 1))]:.3f}" for share in (0.5, 0.9, 1))]))
    write_data("waits", lines)


def collect_peers():
    """One line per shape: for each client its share of 429s, then the calls that each lost, then times over ideal."""
    if not accuracy.FIGURES.exists():
        raise harness.CannotRun("there are no figures yet: ./dev accuracy --peers")
    figures = json.loads(accuracy.FIGURES.read_text(encoding="utf-8"))
    clients = ["llmq", *(peer.name for peer in PEERS)]
    lines = []
    for case in (case for case in CASES if case.peers):
        rows = [{key: figures.get(f"{client}.{case.name}.{key}")
                 for key in ("refused_percent", "failed", "unfinished", "over_ideal")} for client in clients]
        if all(row["over_ideal"] is None for row in rows[1:]):
            continue
        lost = [None if row["failed"] is None else row["failed"] + row["unfinished"] for row in rows]
        values = [*(row["refused_percent"] for row in rows), *lost, *(row["over_ideal"] for row in rows)]
        title = case.title.replace(", ", ",\\n")
        lines.append(" ".join([f'"{title}"', *("?" if value is None else str(value) for value in values)]))
    if not lines:
        raise harness.CannotRun("the last run had no peers: ./dev accuracy --peers")
    write_data("peers", lines)


def main():
    steps = {"load": measure_load, "waits": measure_waits, "peers": collect_peers}
    if len(sys.argv) != 2 or sys.argv[1] not in steps:
        print(f"usage: plot.py {'|'.join(steps)}", file=sys.stderr)
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        steps[sys.argv[1]]()
        draw(sys.argv[1])
    except (harness.CannotRun, subprocess.SubprocessError, OSError) as problem:
        print(f"plot: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

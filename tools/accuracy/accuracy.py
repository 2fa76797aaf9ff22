#!/usr/bin/env python3
"""Measures how exactly llmq, and its peers, keep a provider's limits: over HTTP, in real time.

Exit code 0: every bound is kept; 1: one is broken; 2: it could not be measured.
"""
import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import harness
import judge
import peers
import report
from cases import CASES, Bound

ROOT = Path(__file__).resolve().parents[2]
OWN_REQUESTS = ROOT / "examples/data/requests.jsonl"
DOCUMENT = ROOT / "docs/accuracy.md"
FIGURES = ROOT / "build/accuracy/figures.json"  # of the last run with peers; ./dev plot peers reads it


def say(text):
    print(text, file=sys.stderr, flush=True)


def find_requests():
    """The 800 questions beside the checkout, else the project's own 520 requests."""
    for folder in filter(None, (os.environ.get("LLMQ_SHARED"), ROOT.parent / "shared")):
        file = Path(folder) / "data/gsm8k_requests.jsonl"
        if file.exists():
            return file
    return OWN_REQUESTS


def parse(arguments):
    def bound(text):
        try:
            return Bound(*map(float, text.split(",")))
        except (ValueError, TypeError):
            raise argparse.ArgumentTypeError(f"{text}: expected PERCENT,RATIO as 0.5,1.05") from None

    def count(text):
        if not text.isdecimal() or not 1 <= int(text) <= 100:
            raise argparse.ArgumentTypeError(f"{text}: expected 1 to 100")
        return int(text)

    def regex(text):
        try:
            return re.compile(text)
        except re.error as problem:
            raise argparse.ArgumentTypeError(f"{text}: {problem}") from None

    parser = argparse.ArgumentParser(prog="./dev accuracy", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=count, default=5, help="of each case; the median counts (default 5)")
    parser.add_argument("--case", type=regex, metavar="REGEX", help="only the cases whose name it matches")
    parser.add_argument("--peers", action="store_true", help="also run the peers (npm and PyPI the first time)")
    parser.add_argument("--peer", type=regex, metavar="REGEX", help="only the peers whose name it matches")
    parser.add_argument("--peer-runs", type=count, default=1, help="of each peer under each case (default 1)")
    parser.add_argument("--requests", type=Path, metavar="FILE", help="in OpenAI's batch format")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, flat")
    parser.add_argument("--publish", action="store_true", help="put the tables into docs/accuracy.md")
    parser.add_argument("--bound", type=bound, metavar="PERCENT,RATIO", help="judge every case by this instead")
    parser.add_argument("--list", action="store_true", help="list the cases and peers")
    parser.add_argument("--llmq", default=str(ROOT / "build/release/llmq"), metavar="PROGRAM")
    options = parser.parse_args(arguments)
    options.peers = options.peers or options.peer is not None
    if options.publish and (options.case or options.peer or options.bound or options.requests):
        parser.error("--publish takes whole tables: it goes with no --case, --peer, --bound and --requests")
    options.requests = options.requests or find_requests()
    if not options.requests.is_file():
        parser.error(f"--requests: {options.requests} is not there")
    return options


def chosen_cases(options):
    cases = [case for case in CASES
             if (options.case.search(case.name) if options.case else not case.hidden)]
    if not cases:
        raise harness.CannotRun(f"--case: {options.case.pattern} matches no case; ./dev accuracy --list")
    return cases


def measure_row(options, case, runs, name, run_client, work):
    """Measures one row; a client that cannot run is a row that says so."""
    lines = [line for line in options.requests.read_text(encoding="utf-8").splitlines(True) if line.strip()]
    lines = lines[:case.most_requests]
    requests = work / "requests.jsonl"
    requests.write_text("".join(lines), encoding="utf-8")
    measured = []
    for seed in range(1, runs + 1):
        try:
            run = harness.measure(options.llmq, case, seed, len(lines), lambda mock: run_client(mock, requests))
        except harness.CannotRun as problem:
            say(f"{name}: {problem}")
            return {"problem": str(problem)}
        measured.append(run)
        say(f"{name} {seed}/{runs}: {run['refused']} of {run['calls']} calls refused, last accepted after "
            f"{run['last_accepted_s']:.2f} s, {run['over_ideal']:.3f} x ideal, {run['failed']} failed, "
            f"{run['unfinished']} not done")
    return judge.combine(measured)


def measure_llmq(options, cases, work):
    rows = []
    for case in cases:
        row = measure_row(options, case, options.runs, case.name,
                          lambda mock, requests, case=case: harness.run_llmq(options.llmq, mock, case, requests, work),
                          work)
        rows.append((case, row, judge.faults(row, options.bound or case.bound)))
    return rows


def measure_peers(options, cases, llmq_rows, work):
    """Rows of (case, title, key, row), llmq's own first in each case."""
    folder = ROOT / "build/peers"
    peers.install(folder)
    own = {case.name: row for case, row, _ in llmq_rows}
    rows = []
    for case in (case for case in cases if case.peers):
        rows.append((case, "**llmq**", "llmq", own[case.name]))
        for peer in peers.PEERS:
            if options.peer and not options.peer.search(peer.name):
                continue

            def run_client(mock, requests, peer=peer):
                return harness.run_peer(peer.command(folder), mock, requests, peer.arguments)

            row = measure_row(options, case, options.peer_runs, f"{peer.name} {case.name}", run_client, work)
            rows.append((case, peer.title, peer.name, row))
    return rows


def summary_line(options, where):
    data = "800 questions of GSM8K"
    if options.requests.name != "gsm8k_requests.jsonl":
        data = f"{options.requests.name}, not the 800 questions of GSM8K"
    return (f"{where['date']}, commit {where['commit']}, {where['cores']} cores, {where['system']}; requests: {data}; "
            f"median of {options.runs} runs")


def publish(llmq_block, peer_block):
    text = DOCUMENT.read_text(encoding="utf-8")
    text = report.replace_block(text, "llmq", llmq_block)
    if peer_block:
        text = report.replace_block(text, "peers", peer_block)
    DOCUMENT.write_text(text, encoding="utf-8")


def write_json(file, figures):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def run(options):
    if options.list:
        for item in (*CASES, *peers.PEERS):
            print(f"{item.name:20} {item.title}")
        return 0
    cases = chosen_cases(options)
    where = report.circumstances()
    work = Path(tempfile.mkdtemp(prefix="llmq-accuracy-"))
    try:
        llmq_rows = measure_llmq(options, cases, work)
        peer_rows = measure_peers(options, cases, llmq_rows, work) if options.peers else []
    finally:
        shutil.rmtree(work)
    line = summary_line(options, where)
    llmq_block = f"{line}.\n\n{report.llmq_table(llmq_rows)}"
    print(llmq_block)
    peer_block = ""
    if peer_rows:
        peer_block = (f"{line} for llmq, of {options.peer_runs} for the others.\n\n"
                      f"{report.peer_table([(case, title, row) for case, title, _, row in peer_rows])}")
        print(f"\n{peer_block}")
    if options.publish:
        publish(llmq_block, peer_block)
    figures = {**where, "runs": options.runs, "requests": options.requests.name}
    for case, row, broken in llmq_rows:
        figures |= report.flat(f"llmq.{case.name}", row)
        if case.bound:
            figures[f"llmq.{case.name}.kept"] = not broken
    for case, _, key, row in peer_rows:
        if key != "llmq":
            figures |= report.flat(f"{key}.{case.name}", row)
    if peer_rows:
        write_json(FIGURES, figures)
    if options.json:
        write_json(options.json, figures)
    broken = [f"{case.name}: {fault}" for case, _, found in llmq_rows for fault in found]
    for text in broken:
        say(f"accuracy: {text}")
    return 1 if broken else 0


def main():
    try:
        return run(parse(sys.argv[1:]))
    except (harness.CannotRun, OSError, ValueError) as problem:
        say(f"accuracy: {problem}")
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""Rows as Markdown, as one flat JSON object, and between the markers of docs/accuracy.md."""
import datetime
import os
import subprocess
from pathlib import Path

from harness import MOST_SECONDS


def _numbers(row, *more):
    if "problem" in row:
        return f"could not run: {row['problem']}".replace("|", "/")
    late = " (not done)" if row["unfinished"] else ""
    return " | ".join([f"{row['refused']:.0f} of {row['calls']:.0f}", f"{row['refused_percent']:.2f} %",
                       f"{row['over_ideal']:.3f}{late}", *more])


def llmq_table(rows):
    lines = ["| the provider's limits | 429s of calls | share | last accepted / ideal | worst run | failed | allowed | |",
             "|---|---|---|---|---|---|---|---|"]
    for case, row, broken in rows:
        if "problem" in row:
            numbers = _numbers(row) + " | | | | | "
        else:
            numbers = _numbers(row, f"{row['worst_over_ideal']:.3f}", str(row["failed"] + row["unfinished"]))
        verdict = "" if case.bound is None else "**broken**" if broken else "kept"
        lines.append(f"| {case.title} | {numbers} | {case.bound or 'reported only'} | {verdict} |")
    return "\n".join(lines)


def peer_table(rows):
    lines = ["| the provider's limits | client | 429s of calls | share | last accepted / ideal | calls lost | not done "
             f"in {MOST_SECONDS} s |", "|---|---|---|---|---|---|---|"]
    for case, title, row in rows:
        if "problem" in row:
            numbers = _numbers(row) + " | | | | "
        else:
            numbers = _numbers(row, str(row["failed"]), str(row["unfinished"]))
        lines.append(f"| {case.title} | {title} | {numbers} |")
    return "\n".join(lines)


def flat(prefix, row):
    if "problem" in row:
        return {f"{prefix}.problem": row["problem"]}
    return {f"{prefix}.{key}": round(value, 4) if isinstance(value, float) else value for key, value in row.items()}


def _output(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parent)
    return done.stdout.strip()


def circumstances():
    """Where and when: cores, system, date, commit."""
    system = "unknown system"
    release = Path("/etc/os-release")
    if release.exists():
        for line in release.read_text().splitlines():
            if line.startswith("PRETTY_NAME="):
                system = line.split("=", 1)[1].strip('"')
    changed = "+" if _output("git", "status", "--porcelain", "--untracked-files=no") else ""
    return {"cores": os.cpu_count(), "system": system,
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            "commit": (_output("git", "rev-parse", "--short", "HEAD") or "unknown") + changed}


def replace_block(text, name, block):
    """Puts `block` between <!-- name --> and <!-- /name -->."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the markers of {name} are not there")
    return f"{before}{begin}{block}\n{end}{after}"

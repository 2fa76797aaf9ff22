#!/usr/bin/env python3
"""seeds.py DUMP FOLDER: what changes of llmq.h would make of a dump by abidw: one file for each change in FOLDER. Prints a
line "breaks|keeps<TAB>FILE<TAB>WHAT" for each: may programs of DUMP meet it?"""

import pathlib
import sys

from dump import Dump


def swap_and_append(dump: Dump) -> None:
    dump.swap("llmq_stats_t", "submitted", "pending")  # of one type: the names alone tell
    dump.insert("llmq_stats_t", "", "more")


SEEDS = [
    ("breaks", "two members change places", lambda d: d.swap("llmq_usage", "cost_micros", "reasoning_tokens")),
    ("breaks", "a member is inserted", lambda d: d.insert("llmq_usage", "cost_micros", "more")),
    ("breaks", "the last member is gone", lambda d: d.remove_last("llmq_usage")),
    ("breaks", "two members change places, and one is appended", swap_and_append),
    ("breaks", "a member becomes wider", lambda d: d.widen(d.member("llmq_request", "max_attempts"))),
    ("breaks", "a result becomes wider", lambda d: d.widen(d.function("llmq_version_num").find("return"))),
    ("breaks", "a parameter is added", lambda d: d.add_parameter("llmq_buf_free")),
    ("breaks", "a function is gone", lambda d: d.remove_function("llmq_version_libraries")),
    ("keeps", "a member is appended to a usage", lambda d: d.insert("llmq_usage", "", "more")),
    ("keeps", "a member is appended to an event", lambda d: d.insert("llmq_event", "", "more")),
    ("keeps", "a member is appended to an outcome", lambda d: d.insert("llmq_outcome", "", "more")),
    ("keeps", "a function is added", lambda d: d.add_function("llmq_version_num", "llmq_more")),
]


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(sys.argv[2])
    for number, (verdict, what, change) in enumerate(SEEDS):
        dump = Dump(pathlib.Path(sys.argv[1]))
        change(dump)
        path = folder / f"seed_{number}.abi"
        path.write_text(dump.text(), encoding="utf-8")
        print(f"{verdict}\t{path}\t{what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

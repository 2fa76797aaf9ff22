#!/usr/bin/env python3
"""rules.py ROOT ARCHIVE NM: what llmq.h and those behind it promise of the interface, as far as a script sees it. The header knows
few types and has no varargs; its open structs carry their size; every function of capi/ that can throw is guarded; nothing of the
library is destroyed at exit, prints, exits, takes a signal or sets a locale. With --seeds: each rule is broken once, and must tell."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1]).resolve()
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools" / "bindings"))

from header import HeaderError, parse  # noqa: E402

INCLUDES = ["<stddef.h>", "<stdint.h>", "<llmq/export.h>", "<llmq/version.h>"]
PLAIN = {"void", "char", "size_t", "int32_t", "uint32_t", "int64_t", "uint64_t"}
# A new one is a decision: each carries its size for ever. (event: the caller's stride)
STRUCTS = {"llmq_usage_t", "llmq_event_t", "llmq_outcome_t", "llmq_request_t", "llmq_stats_t", "llmq_wait_t", "llmq_hook_t"}
# They read, count or free: nothing in them throws.
UNGUARDED = re.compile(
    r"llmq_(abi_version|features|now_ns|sizeof|version_\w+|status_\w+|error_\w+|response_(?!\w+_json)\w+|\w+_free|\w+_ref"
    r"|conf_ask_for_keys|event_outcome)")
FORBIDDEN = {
    "a static is destroyed at exit": "__cxa_atexit atexit at_quick_exit",
    "the process is ended": "exit _exit _Exit quick_exit",
    "a signal is handled": "signal sigaction bsd_signal sigset",
    "a locale is set": "setlocale uselocale newlocale",
    "something is printed": "printf puts putchar vprintf __printf_chk __vprintf_chk perror stdout _ZSt4cout _ZSt4cerr",
    "libcurl is cleaned up": "curl_global_cleanup",
}


def header_faults(llmq_h: str, version_h: str) -> list:
    try:
        header = parse(llmq_h, version_h)
    except HeaderError as unknown:
        return [str(unknown)]
    faults = [f"llmq.h includes {name}" for name in re.findall(r"^\s*#\s*include\s*(\S+)", llmq_h, re.M) if name not in INCLUDES]
    faults += [f"llmq.h defines {name}" for name in re.findall(r"^\s*#\s*define\s+(\w+)", llmq_h, re.M) if name != "LLMQ_LLMQ_H_"]
    structs = {struct.name for struct in header.structs}
    own = {item.name for item in header.opaques + header.aliases + header.callbacks} | structs
    for item in header.functions + header.callbacks:
        for ctype in [item.result] + [param.ctype for param in item.params]:
            base = ctype.replace("const", "").replace("*", "").strip()
            if base not in PLAIN | own:
                faults.append(f"{item.name}: {ctype} is no type of the interface")
            if base in structs and "*" not in ctype:
                faults.append(f"{item.name}: {ctype} is passed by value")
    for struct in header.structs:
        first = struct.members[0]
        if (first.ctype, first.name) not in (("uint32_t", "struct_size"), ("uint32_t", "stride")):
            faults.append(f"{struct.name} does not begin with its size")
        for member in struct.members:
            if member.ctype.replace("const", "").replace("*", "").strip() not in PLAIN | own:
                faults.append(f"{struct.name}.{member.name}: {member.ctype} is no type of the interface")
    return faults + [f"{name} is an open struct that the rules do not know, or is gone" for name in structs ^ STRUCTS]


def functions_of(text: str) -> dict:
    """Name and body of every function that begins at the left edge, or within a namespace."""
    found = {}
    for match in re.finditer(r"^[a-z][\w:<>,&* ]*?[ *&](\w+)\(", text, re.M):
        opened = text.find("{", match.end())
        if opened < 0 or ";" in text[match.end() : opened]:
            continue
        line = text[opened : text.index("\n", opened)]
        found[match.group(1)] = line if line.endswith("}") else text[opened : text.index("\n}", opened)]
    return found


def guard_faults(sources: dict, names: set) -> list:
    bodies = {name: body for text in sources.values() for name, body in functions_of(text).items()}
    guarded, before = {"guarded", "guarded_or"}, set()
    while guarded != before:
        before = set(guarded)
        calls = re.compile(r"\b(" + "|".join(guarded) + r")\b[<(]")
        guarded |= {name for name, body in bodies.items() if calls.search(body)}
    faults = [f"capi/ does not define {name}" for name in names - set(bodies)]
    return faults + [f"{name} is not guarded" for name in names & set(bodies) - guarded if not UNGUARDED.fullmatch(name)]


def symbol_faults(listing: str) -> list:
    faults = []
    for line in listing.splitlines():
        for what, symbols in FORBIDDEN.items():
            if line.split() and line.split()[-1].split("@")[0] in symbols.split():
                faults.append(f"{what}: {line}")
    return faults


def main() -> int:
    llmq_h = (ROOT / "include/llmq/llmq.h").read_text(encoding="utf-8")
    version_h = (ROOT / "include/llmq/version.h").read_text(encoding="utf-8")
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "capi").iterdir() if path.suffix in (".cc", ".h")}
    names = set(re.findall(r"^(llmq_\w+) ", (ROOT / "capi/symbols.txt").read_text(encoding="utf-8"), re.M))
    listing = subprocess.run([sys.argv[3], "-A", "-u", sys.argv[2]], stdout=subprocess.PIPE, text=True, check=True).stdout
    faults = header_faults(llmq_h, version_h) + guard_faults(sources, names) + symbol_faults(listing)
    if "--seeds" not in sys.argv:
        print("\n".join(faults) or f"{len(names)} functions keep the rules")
        return 1 if faults else 0

    def header(old: str, new: str) -> list:
        assert old in llmq_h, old
        return header_faults(llmq_h.replace(old, new, 1), version_h)

    conf = ROOT / "capi/conf.cc"
    unguarded = {path: text.replace("guarded([&] {", "bare([&] {") if path == conf else text for path, text in sources.items()}
    assert unguarded[conf] != sources[conf]
    more = "typedef struct llmq_more {\n  uint32_t struct_size; /**< Size. */\n} llmq_more_t;\n\n/** Usage. */\n"
    seeds = [
        ("includes <stdbool.h>", header("#include <stdint.h>", "#include <stdint.h>\n#include <stdbool.h>")),
        ("defines LLMQ_MORE", header("#ifdef __cplusplus", "#define LLMQ_MORE 1\n#ifdef __cplusplus")),
        ("bool is no type", header("int64_t timeout_ns,", "bool timeout_ns,")),
        ("long is no type", header("int64_t timeout_ns,", "long timeout_ns,")),
        ("parameter '...'", header("int64_t llmq_now_ns(void)", "int64_t llmq_now_ns(...)")),
        ("is passed by value", header("const llmq_usage_t *usage", "llmq_usage_t usage")),
        ("does not begin with its size", header("uint32_t struct_size;", "uint32_t more;")),
        ("cost_micros: long is no type", header("int64_t cost_micros;", "long cost_micros;")),
        ("llmq_more_t is an open struct", header("typedef struct llmq_usage {", more + "typedef struct llmq_usage {")),
        ("llmq_conf_copy is not guarded", guard_faults(unguarded, names)),
        ("does not define llmq_more", guard_faults(sources, names | {"llmq_more"})),
        *((what, symbol_faults(f"x.cc.o: U {symbols.split()[0]}@GLIBC_2.2.5")) for what, symbols in FORBIDDEN.items()),
    ]
    silent = [f"not told: {what}; but: {told}" for what, told in seeds if not any(what in fault for fault in told)]
    print("\n".join(silent) or f"{len(seeds)} broken rules were told")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())

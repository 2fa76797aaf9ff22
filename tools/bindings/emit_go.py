"""bindings/go: constants.go, typed, where what callers have no use for is not exported; functions.h for load.c."""

from typing import List

from header import Group, Header, Variable
from names import camel, kind, wrap

_TYPES = {"llmq_status_t": "int32", "int32_t": "int32", "uint32_t": "uint32", "uint64_t": "uint64"}
# What the constants of a group begin with, where it is not the name of the type.
_PREFIXES = {"Status": "Err", "Operation": "Op", "LogLevel": "Log", "ShutdownMode": "Shutdown", "Features": "Feature",
             "HookType": "Hook", "BreakerState": "Breaker", "EventType": "Ev", "CqFdKind": "CqFd",
             "SizeofKind": "Sizeof"}
_INITIALISMS = {"Http": "HTTP", "Cq": "CQ", "Fd": "FD", "Ev": "Ev"}


def _words(name: str) -> str:
    return "".join(_INITIALISMS.get(word.capitalize(), word.capitalize()) for word in name.split("_"))


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _group(group: Group) -> List[str]:
    names = kind(group)
    type_name = _lower(names.name) if names.internal else names.name
    prefix = _PREFIXES.get(names.name, names.name[: -len("Flags")] if names.name.endswith("Flags") else names.name)
    out = wrap(f"{type_name}: {group.doc}", "// ")
    out += [f"type {type_name} {_TYPES[names.ctype]}", "", "const ("]
    for constant in group.constants:
        name = "StatusOK" if constant.name == "LLMQ_OK" else prefix + _words(group.short(constant))
        name = _lower(name) if names.internal else name
        out += wrap(f"{name}: {constant.doc}", "\t// ", width=97)
        out.append(f"\t{name} {type_name} = {constant.value}")
    return out + [")", ""]


def emit(header: Header) -> str:
    out = [
        "// Code generated from include/llmq/llmq.h by tools/bindings/generate.py; DO NOT EDIT.",
        "",
        "package llmq",
        "",
        "// The header that this package was written against.",
        "const (",
    ]
    for constant in header.version:
        name = _lower(camel(constant.name[len("LLMQ_") :])).replace("Abi", "ABI").replace("abi", "abi")
        out += wrap(constant.doc, "\t// ", width=97) + [f"\t{name} = {constant.value}"]
    out += [")", ""]
    for group in header.groups:
        out += _group(group)
    return "\n".join(out)


def _parameter(variable: Variable) -> str:
    base = variable.ctype.rstrip("*")
    return f"{base} {variable.ctype[len(base):]}{variable.name}"


def functions(header: Header) -> str:
    """bindings/go/functions.h: the list that load.c looks up in the library."""
    out = [
        "/* clang-format off */",
        "/* Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit. */",
        "",
        "/* X(result, name, (parameters), (arguments)) for every function of the library. */",
        "#define LLMQ_FUNCTIONS(X) \\",
    ]
    for function in header.functions:
        parameters = ", ".join(_parameter(param) for param in function.params) or "void"
        arguments = ", ".join(param.name for param in function.params)
        out.append(f"  X({function.result}, {function.name}, ({parameters}), ({arguments})) \\")
    out[-1] = out[-1][: -len(" \\")]
    return "\n".join(out) + "\n"

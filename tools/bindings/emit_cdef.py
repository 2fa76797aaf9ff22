"""bindings/llmq.cdef: every declaration of the header in the form that cffi reads."""

from typing import List

from header import Header, Variable


def _variable(variable: Variable) -> str:
    base = variable.ctype.rstrip("*")
    stars = variable.ctype[len(base) :]
    array = f"[{variable.count}]" if variable.count else ""
    return f"{base} {stars}{variable.name}{array}"


def _params(params: List[Variable]) -> str:
    return ", ".join(_variable(param) for param in params) or "void"


def emit(header: Header) -> str:
    out = ["/* Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit. */", ""]
    out += [f"#define {constant.name} {constant.value}" for constant in header.version] + [""]
    out += [f"typedef struct {opaque.tag} {opaque.name};" for opaque in header.opaques]
    out += [f"typedef {alias.ctype} {alias.name};" for alias in header.aliases] + [""]
    for group in header.groups:
        out.append("enum {")
        out += [f"  {constant.name} = {constant.value}," for constant in group.constants]
        out += ["};", ""]
    # Names first: callbacks take pointers to structs, and a struct holds a callback.
    out += [f"typedef struct {struct.tag} {struct.name};" for struct in header.structs]
    for callback in header.callbacks:
        out.append(f"typedef {callback.result} (*{callback.name})({_params(callback.params)});")
    out.append("")
    for struct in header.structs:
        out.append(f"struct {struct.tag} {{")
        out += [f"  {_variable(member)};" for member in struct.members]
        out += ["};", ""]
    for function in header.functions:
        result = function.result.replace("*", " *")
        space = "" if result.endswith("*") else " "
        out.append(f"{result}{space}{function.name}({_params(function.params)});")
    return "\n".join(out) + "\n"

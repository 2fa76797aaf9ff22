"""bindings/ruby/lib/llmq: constants.rb, and native_functions.rb with what ffi attaches."""

from typing import List

from header import Group, Header, Struct, Variable
from names import kind, layout, pointer, resolve, struct_name, wrap

_FFI = {"uint32_t": "uint32", "int32_t": "int32", "uint64_t": "uint64", "int64_t": "int64", "size_t": "size_t",
        "char": "char", "void": "void"}
_BANNER = "# Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit."


def _number(value: int) -> str:
    return f"{value:_}" if abs(value) >= 10000 else str(value)


def _group(group: Group) -> List[str]:
    out = wrap(group.doc, "  # ") + [f"  module {kind(group).name}"]
    for constant in group.constants:
        out += wrap(constant.doc, "    # ")
        out.append(f"    {group.short(constant)} = {_number(constant.value)}")
    return out + ["  end", ""]


def constants(header: Header) -> str:
    out = ["# frozen_string_literal: true", "", _BANNER, ""]
    out += ["# The constants of the C API, a module for each group.", "module LLMQ"]
    out += ["  # The header that this gem was written against.", "  module Header"]
    for constant in header.version:
        out += wrap(constant.doc, "    # ")
        out.append(f"    {constant.name[len('LLMQ_'):]} = {constant.value}")
    out += ["  end", ""]
    for group in header.groups:
        out += _group(group)
    out[-1] = "end"
    return "\n".join(out) + "\n"


def _ffi(header: Header, ctype: str) -> str:
    if pointer(header, ctype):
        return ":pointer"
    return ":" + _FFI[resolve(header, ctype)]


def _member(header: Header, member: Variable) -> str:
    ctype = _ffi(header, member.ctype)
    return f"{member.name}: [{ctype}, {member.count}]" if member.count else f"{member.name}: {ctype}"


def _struct(header: Header, struct: Struct) -> List[str]:
    size, offsets = layout(header, struct)
    name = struct_name(struct).upper()
    out = [f"    # Members of {struct.name} and their types, in order.", f"    {name}_MEMBERS = {{"]
    out += [f"      {_member(header, member)}," for member in struct.members]
    out[-1] = out[-1][:-1]
    out += ["    }.freeze", f"    # Bytes of {struct.name} with 64-bit pointers."]
    out.append(f"    {name}_SIZE = {size}")
    out.append("    # Where its members begin, in bytes.")
    out.append(f"    {name}_OFFSETS = {{")
    out += [f"      {member.name}: {offset}," for member, offset in offsets]
    out[-1] = out[-1][:-1]
    return out + ["    }.freeze", ""]


def functions(header: Header) -> str:
    out = [
        "# frozen_string_literal: true",
        "",
        _BANNER,
        "",
        "module LLMQ",
        "  # The C API as ffi takes it.",
        "  module Native # rubocop:disable Metrics/ModuleLength",
    ]
    for struct in header.structs:
        out += _struct(header, struct)
    out += [
        "    # Name, parameters, result, and whether it may block: such a call must not hold the GVL.",
        "    FUNCTIONS = [",
    ]
    for function in header.functions:
        params = ", ".join(_ffi(header, param.ctype)[1:] for param in function.params)
        # Results of that type are NUL-terminated texts, see the header.
        result = ":string" if function.result == "const char*" else _ffi(header, function.result)
        listed = f"%i[{params}]" if function.params else "[]"
        out.append(f"      [:{function.name}, {listed.replace(', ', ' ')}, {result}, {str(function.blocks).lower()}],")
    out[-1] = out[-1][:-1]
    out += ["    ].freeze", "  end", "end"]
    return "\n".join(out) + "\n"

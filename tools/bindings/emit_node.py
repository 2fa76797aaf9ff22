"""bindings/node/src/constants.ts: an object and a type for each group, and the layouts of the structs."""

from typing import List

from header import Group, Header, Struct
from names import kind, layout, struct_name, wrap


def _doc(text: str, indent: str) -> List[str]:
    text = text.replace("*/", "* /")
    if len(text) + len(indent) + 8 <= 100 and "\n" not in text:
        return [f"{indent}/** {text} */"]
    return [f"{indent}/**"] + wrap(text, f"{indent} * ") + [f"{indent} */"]


def _group(group: Group) -> List[str]:
    names = kind(group)
    out = _doc(group.doc, "") + [f"export const {names.name} = {{"]
    for constant in group.constants:
        value = f"{constant.value}n" if names.ctype == "uint64_t" else str(constant.value)
        out += _doc(constant.doc, "  ") + [f"  {group.short(constant)}: {value},"]
    out.append("} as const;")
    if names.flags:
        out += _doc(f"Bits of {names.name}, added up.", "")
        base = "bigint" if names.ctype == "uint64_t" else "number"
        out.append(f"export type {names.name} = {base};")
    else:
        out += _doc(f"A value of {names.name}.", "")
        out.append(f"export type {names.name} = (typeof {names.name})[keyof typeof {names.name}];")
    return out + [""]


def _layout(header: Header, struct: Struct) -> List[str]:
    size, offsets = layout(header, struct)
    out = _doc(f"Where the members of {struct.name} are, in bytes, with 64-bit pointers.", "")
    out += [f"export const {struct_name(struct)}Layout = {{", f"  size: {size},", "  offsets: {"]
    out += [f"    {member.name}: {offset}," for member, offset in offsets]
    return out + ["  },", "} as const;", ""]


def emit(header: Header) -> str:
    out = ["// Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit.", ""]
    for constant in header.version:
        out += _doc(constant.doc, "") + [f"export const {constant.name[len('LLMQ_'):]} = {constant.value};"]
    out.append("")
    for group in header.groups:
        out += _group(group)
    for struct in header.structs:
        out += _layout(header, struct)
    return "\n".join(out[:-1]) + "\n"

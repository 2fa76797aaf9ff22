"""bindings/rust/llmq-sys/src/generated.rs: the whole header, in the form that rustfmt gives it."""

import re
from typing import List

from header import Function, Header, Struct, Variable
from names import TAG_TITLES, kind, layout, wrap

_TYPES = {"uint32_t": "u32", "int32_t": "i32", "uint64_t": "u64", "int64_t": "i64", "size_t": "usize",
          "char": "c_char", "void": "c_void"}
_WIDTH = 100
_KEYWORDS = {"fn", "type"}


def _type(ctype: str) -> str:
    base, stars = ctype.rstrip("*"), len(ctype) - len(ctype.rstrip("*"))
    if ctype == "const char*const*":
        return "*const *const c_char"
    const = base.startswith("const ")
    base = base[len("const ") :] if const else base
    # Of char** only the last level could be const, and that one is what `const` says.
    name = _TYPES.get(base, base)
    for level in range(stars):
        name = ("*const " if const and level == 0 else "*mut ") + name
    return name


def _name(variable: Variable) -> str:
    return f"r#{variable.name}" if variable.name in _KEYWORDS else variable.name


def _doc(text: str, indent: str = "", first: str = "", rest: str = "") -> List[str]:
    # rustdoc takes <name> for HTML and [x] for a link.
    text = re.sub(r"([<>\[\]])", r"\\\1", text)
    return wrap(text, f"{indent}/// {first}", f"{indent}/// {rest}", _WIDTH)


def _array(member: Variable) -> str:
    return f"[{_type(member.ctype)}; {member.count}]" if member.count else _type(member.ctype)


def _struct(struct: Struct) -> List[str]:
    out = _doc(struct.doc) + ["#[repr(C)]", "#[derive(Clone, Copy, Debug)]", f"pub struct {struct.name} {{"]
    for member in struct.members:
        out += _doc(member.doc, "    ") + [f"    pub {_name(member)}: {_array(member)},"]
    return out + ["}", ""]


def _function(function: Function) -> List[str]:
    out = _doc(function.doc, "    ") + ["    ///"]
    for names, text in function.param_docs:
        names = ", ".join(f"`{name}`" for name in names.replace(" (out)", "").split(", ")) + (
            " (out)" if names.endswith("(out)") else "")
        out += _doc(f"{names}: {text}", "    ", "* ", "  ")
    for tag, title in TAG_TITLES.items():
        out += _doc(f"{title}: {function.tags[tag]}", "    ", "* ", "  ")
    params = [f"{_name(param)}: {_type(param.ctype)}" for param in function.params]
    result = "" if function.result == "void" else f" -> {_type(function.result)}"
    line = f"    pub fn {function.name}({', '.join(params)}){result};"
    if len(line) < _WIDTH:
        return out + [line]
    if len(line) == _WIDTH:  # rustfmt counts the semicolon twice
        return out + [line[: line.rindex(" -> ")], f"       {result};"]
    return out + [f"    pub fn {function.name}("] + [f"        {param}," for param in params] + [f"    ){result};"]


def _callbacks(header: Header) -> List[str]:
    out: List[str] = []
    for callback in header.callbacks:
        params = [f"{_name(param)}: {_type(param.ctype)}" for param in callback.params]
        result = "" if callback.result == "void" else f" -> {_type(callback.result)}"
        out += _doc(callback.doc)
        head = f"pub type {callback.name} ="
        whole = f'Option<unsafe extern "C" fn({", ".join(params)}){result}>;'
        if len(head) + 1 + len(whole) <= _WIDTH:
            out.append(f"{head} {whole}")
        elif len(whole) + 4 <= _WIDTH:
            out += [head, f"    {whole}"]
        elif len(whole) - len("Option<>;") + 5 <= _WIDTH:
            out += [f"{head} Option<", f"    {whole[len('Option<'):-2]},", ">;"]
        else:
            out += [f"{head} Option<", '    unsafe extern "C" fn(']
            out += [f"        {param}," for param in params] + [f"    ){result},", ">;"]
    return out + [""]


def _constants(header: Header) -> List[str]:
    out: List[str] = []
    for constant in header.version:
        out += _doc(constant.doc) + [f"pub const {constant.name}: u32 = {constant.value};"]
    for group in header.groups:
        ctype = kind(group).ctype
        out += ["", f"// {kind(group).name}"]
        for constant in group.constants:
            out += _doc(constant.doc)
            out.append(f"pub const {constant.name}: {_TYPES.get(ctype, ctype)} = {constant.value};")
    return out + [""]


def emit(header: Header) -> str:
    out = [
        "// Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit.",
        "",
        "use core::ffi::{c_char, c_void};",
        "use core::marker::{PhantomData, PhantomPinned};",
        "",
    ]
    for opaque in header.opaques:
        out += _doc(opaque.doc) + ["#[repr(C)]", f"pub struct {opaque.name} {{", "    _data: [u8; 0],"]
        out += ["    _marker: PhantomData<(*mut u8, PhantomPinned)>,", "}", ""]
    for alias in header.aliases:
        out += _doc(alias.doc) + [f"pub type {alias.name} = {_TYPES[alias.ctype]};"]
    out.append("")
    out += _constants(header)
    for struct in header.structs:
        out += _struct(struct)
    out += ["// The layout that this was made for.", '#[cfg(target_pointer_width = "64")]', "const _: () = {"]
    out += [f"    assert!(core::mem::size_of::<{struct.name}>() == {layout(header, struct)[0]});"
            for struct in header.structs]
    out += ["};", ""]
    out += _callbacks(header)
    # A macro of the crate: the library is loaded, not linked, so it makes a table of addresses.
    out.append("functions! {")
    for function in header.functions:
        out += _function(function)
    return "\n".join(out + ["}"]) + "\n"

#!/usr/bin/env python3
"""dump.py OLD NEW > CUT: the dump NEW (abidw) without the members that it has appended to structs of OLD which carry their
size (struct_size, stride): an older program's size tells the library that it has not got them. Whatever else differs is
left, for abidiff to tell."""

import copy
import pathlib
import sys
import xml.etree.ElementTree as ET


class Dump:
    """A dump that can be changed, in the words of the header."""

    def __init__(self, path: pathlib.Path):
        self.root = ET.parse(path).getroot()

    def named(self, tag: str, name: str) -> ET.Element:
        found = [element for element in self.root.iter(tag) if element.get("name") == name]
        if len(found) != 1:
            sys.exit(f"dump.py: the dump has {len(found)} of {tag} {name}")
        return found[0]

    def member(self, struct: str, name: str) -> ET.Element:
        """The var-decl of a member."""
        for variable in self.named("class-decl", struct).iter("var-decl"):
            if variable.get("name") == name:
                return variable
        sys.exit(f"dump.py: {struct} has no member {name}")

    def swap(self, struct: str, one: str, other: str) -> None:
        first, second = self.member(struct, one), self.member(struct, other)
        first.attrib, second.attrib = second.attrib, first.attrib

    def insert(self, struct: str, before: str, name: str) -> None:
        """A new member of 64 bits; before "", at the end."""
        body = self.named("class-decl", struct)
        size = int(body.get("size-in-bits"))
        members = list(body)
        at = next((i for i, m in enumerate(members) if m[0].get("name") == before), len(members))
        added = copy.deepcopy(members[-1])
        offset = int(members[at].get("layout-offset-in-bits")) if at < len(members) else size
        added.set("layout-offset-in-bits", str(offset))
        added[0].set("name", name)
        for member in members[at:]:
            member.set("layout-offset-in-bits", str(int(member.get("layout-offset-in-bits")) + 64))
        body.insert(at, added)
        body.set("size-in-bits", str(size + 64))

    def remove_last(self, struct: str) -> None:
        body = self.named("class-decl", struct)
        offset = int(body[-1].get("layout-offset-in-bits"))
        body.remove(body[-1])
        body.set("size-in-bits", str(offset))

    def widen(self, element: ET.Element) -> None:
        """From uint32_t to uint64_t."""
        if element.get("type-id") != self.named("typedef-decl", "uint32_t").get("id"):
            sys.exit(f"dump.py: {element.attrib} is no uint32_t")
        element.set("type-id", self.named("typedef-decl", "uint64_t").get("id"))

    def function(self, name: str) -> ET.Element:
        return self.named("function-decl", name)

    def remove_function(self, name: str) -> None:
        for parent in self.root.iter():
            for child in list(parent):
                if child.tag in ("function-decl", "elf-symbol") and child.get("name") == name:
                    parent.remove(child)

    def add_function(self, like: str, name: str) -> None:
        for parent in self.root.iter():
            for child in list(parent):
                if child.tag in ("function-decl", "elf-symbol") and child.get("name") == like:
                    added = copy.deepcopy(child)
                    for key, value in child.attrib.items():
                        added.set(key, value.replace(like, name))
                    parent.append(added)

    def add_parameter(self, name: str) -> None:
        function = self.function(name)
        added = copy.deepcopy(function.find("parameter"))
        added.set("name", "more")
        function.insert(0, added)

    def cut_appended(self, old: "Dump") -> None:
        for was in old.root.iter("class-decl"):
            size = int(was.get("size-in-bits", "0"))
            if size == 0 or was[0][0].get("name") not in ("struct_size", "stride"):
                continue
            for now in self.root.iter("class-decl"):
                if now.get("name") != was.get("name") or int(now.get("size-in-bits", "0")) <= size:
                    continue
                for member in list(now):
                    if int(member.get("layout-offset-in-bits")) >= size:
                        now.remove(member)
                now.set("size-in-bits", str(size))

    def text(self) -> str:
        return ET.tostring(self.root, encoding="unicode")


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    old, new = (Dump(pathlib.Path(path)) for path in sys.argv[1:])
    new.cut_appended(old)
    print(new.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())

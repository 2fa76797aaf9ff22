"""Every public name says what it is, also the members of classes, which no linter looks at."""

import ast
import inspect
from pathlib import Path

import pytest

import llmq

PACKAGE = Path(llmq.__file__).resolve().parent
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "_cffi.py"]


def undocumented(source):
    """Members of public classes without `#:` before or a text after."""
    lines = source.splitlines()
    for scope in ast.walk(ast.parse(source)):
        if not isinstance(scope, ast.ClassDef) or scope.name.startswith("_"):
            continue
        for place, statement in enumerate(scope.body):
            if isinstance(statement, ast.AnnAssign):
                names = [statement.target.id]
            elif isinstance(statement, ast.Assign):
                names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            else:
                continue
            after = scope.body[place + 1 : place + 2]
            told = lines[statement.lineno - 2].lstrip().startswith("#:") or (
                after
                and isinstance(after[0], ast.Expr)
                and isinstance(after[0].value, ast.Constant)
                and isinstance(after[0].value.value, str)
            )
            in_text = ast.get_docstring(scope) or ""
            for name in names:
                if not name.startswith("_") and not told and f"{name}:" not in in_text:
                    yield f"{scope.name}.{name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_members_are_documented(path):
    assert list(undocumented(path.read_text())) == []


def test_what_is_not_documented_is_found():
    source = (
        "class Kind:\n    #: One.\n    ONE = 1\n    TWO = 2\n    THREE: int = 3\n    'Three.'\n"
    )
    assert list(undocumented(source)) == ["Kind.TWO"]


def test_names_are_documented():
    told = [name for name in llmq.__all__ if not name.startswith("_")]
    things = {name: getattr(llmq, name) for name in told}
    bare = [
        name
        for name, thing in things.items()
        # Not inspect.isclass: in Python 3.9 an alias of a type says that it is one.
        if (issubclass(type(thing), type) or inspect.isfunction(thing))
        and not inspect.getdoc(thing)
    ]
    assert bare == []

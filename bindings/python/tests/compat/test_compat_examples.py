"""The examples, and the programs in docs/migrating_from_llm_queue.md."""

import re
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[2]
DOCS = PYTHON.parents[1] / "docs" / "migrating_from_llm_queue.md"

SHOWN = {
    "compat_old_program.py": """\
completed Hello, world
completed Salut, world
completed Hallo, world
completed Ciao, world
completed Hej, world
concurrent_requests
""",
    "compat_typed.py": """\
completed NAME A RIVER
rpm 1 of 500
tpm 10 of 30000
concurrent 0 of 10
failed there is no prompt
pending
completed Answer(text='LATER', tokens=7)
""",
}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_example(name, run_python):
    assert run_python((PYTHON / "examples" / name).read_text()).stdout == SHOWN[name]


@pytest.mark.parametrize("program", re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S))
def test_program_of_the_migration_page(program, run_python):
    run_python(program)

"""The cases that C and all bindings run alike: tests/scenarios of the project."""

import json
from pathlib import Path

import pytest
from scenario import Scenario, Wrong

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "scenarios"
CASES = sorted(FOLDER.glob("*.json"))
WRONG = sorted((FOLDER / "wrong").glob("*.json"))


def test_they_are_there():
    assert len(CASES) >= 40
    assert WRONG


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path):
    Scenario(json.loads(path.read_text())).run()


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_wrong_expectations_are_found(path):
    with pytest.raises(Wrong):
        Scenario(json.loads(path.read_text())).run()

"""Completeness of the attack list: every case is in a table here, or in this folder's docstring."""

import re
from pathlib import Path

import tests.attacks

HERE = Path(__file__).parent
SIZES = {"A": 24, "B": 15, "C": 19, "D": 14, "E": 19, "S": 12, "R": 14, "W": 29}
ALL = {f"{letter}{number:02}" for letter, size in SIZES.items() for number in range(1, size + 1)}


def ids(text: str) -> set[str]:
    """Every id in `text`; "E07 to E13" are all of them."""
    found = set(re.findall(r"\b[A-ERSW]\d\d\b", text))
    for first, last in re.findall(r"\b([A-ERSW]\d\d) to ([A-ERSW]\d\d)\b", text):
        found |= {f"{first[0]}{number:02}" for number in range(int(first[1:]), int(last[1:]) + 1)}
    return found


def test_every_case_is_here_or_said_to_be_elsewhere():
    tables = set().union(
        *(ids(file.read_text()) for file in HERE.glob("test_*.py") if file.name != "test_list.py")
    )
    assert ALL - tables - ids(tests.attacks.__doc__) == set()
    assert tables <= ALL


def test_elsewhere_is_there():
    """The files that the docstring names are in the house, and the tests in them."""
    named = re.findall(r"([a-z_/]+/test_\w+\.py)(?:::(\w+))?", tests.attacks.__doc__)
    assert len(named) > 40
    root = HERE.parent.parent
    gone = [
        (file, test)
        for file, test in named
        if not (root / file).exists() or (test and f"def {test}(" not in (root / file).read_text())
    ]
    assert gone == []

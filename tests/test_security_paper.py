"""docs/security.md: each line of the chapters has a test that is there, or a reason.

That each file and test it names exists is asked of every document by tests/test_house.py.
"""

import re

import pytest

from tests.tree import ROOT

# ASVS 5.0: the requirements of levels 1 and 2 in these chapters.
REQUIREMENTS = {
    "V2": "2.1.1 2.1.2 2.1.3 2.2.1 2.2.2 2.2.3 2.3.1 2.3.2 2.3.3 2.3.4 2.4.1",
    "V7": "7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 "
    "7.6.1 7.6.2",
    "V8": "8.1.1 8.1.2 8.2.1 8.2.2 8.2.3 8.3.1 8.4.1",
    "V9": "9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4",
}
LINE = re.compile(r"^\| (\d\.\d\.\d) \| ([^|]+) \| (yes|part|none) \| (.+) \|$", re.MULTILINE)
LINES = LINE.findall((ROOT / "docs" / "security.md").read_text())


def test_every_requirement_has_its_line():
    wanted = [number for numbers in REQUIREMENTS.values() for number in numbers.split()]
    assert [number for number, *_rest in LINES] == wanted


@pytest.mark.parametrize(("number", "what", "state", "shown"), LINES, ids=[line[0] for line in LINES])
def test_a_line_names_a_test_or_says_why_there_is_none(number, what, state, shown):
    tests = re.findall(r"`([\w/]+/test_\w+\.py)(?:::test_\w+)?`", shown)
    words = len(re.sub(r"`[^`]*`", "", shown).split())
    if state == "yes":
        assert tests or ("A reason, no test" in shown and words > 10)
    else:
        assert words > 8, "what is not so is said why"

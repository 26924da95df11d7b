"""The table in docs/reliability.md: exactly the cases that exist, all of which hold."""

import pytest

from tests.faults.report import PAPER, find_cases, read_table

pytestmark = pytest.mark.short


def test_every_case_says_what_is_broken_and_what_holds():
    assert [case for case in find_cases() if not (case.fault and case.holds)] == []


def test_the_paper_lists_exactly_the_cases_that_exist():
    listed = list(read_table(PAPER.read_text()))
    assert listed == [case.cells for case in find_cases()], "run python -m tests.faults.report"


def test_in_the_paper_every_case_holds():
    assert {outcome.split(" (")[0] for outcome in read_table(PAPER.read_text()).values()} == {"holds"}

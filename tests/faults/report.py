"""The table of fault cases in docs/reliability.md, made from a run.

python -m tests.faults.report            runs every fault test and writes the table
python -m tests.faults.report -k F45     arguments for pytest; rows that did not run keep their outcome

A case is a test with `@pytest.mark.case(<id>, fault=<what is broken>)`; its docstring says what must hold.
"""

import importlib
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
PAPER = FOLDER.parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- cases: written by python -m tests.faults.report -->", "<!-- end of cases -->"
HEAD = ["| Case | What is broken | What holds | Outcome |", "|---|---|---|---|"]


@dataclass(frozen=True)
class Case:
    id: str
    fault: str
    holds: str
    test: str  # node id, without parameters

    @property
    def cells(self) -> tuple[str, str, str]:
        return tuple(text.replace("|", "/") for text in (self.id, self.fault, self.holds))


def find_cases() -> list[Case]:
    """Every case there is, in the order of their ids."""
    cases = []
    for file in sorted(FOLDER.glob("test_*.py")):
        module = importlib.import_module(f"tests.faults.{file.stem}")
        for name, function in vars(module).items():
            for mark in getattr(function, "pytestmark", []) if name.startswith("test_") else []:
                if mark.name == "case":
                    holds = " ".join((function.__doc__ or "").split())
                    test = f"tests/faults/{file.name}::{name}"
                    cases.append(Case(mark.args[0], mark.kwargs["fault"], holds, test))
    return sorted(cases, key=lambda case: (case.id[0] != "F", int(re.search(r"\d+", case.id)[0])))


def read_table(text: str) -> dict[tuple[str, str, str], str]:
    """The rows of the table in the paper: case, fault and what holds → outcome."""
    lines = text.partition(BEGIN)[2].partition(END)[0].splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")
    ]
    return {tuple(row[:3]): row[3] for row in rows[1:] if len(row) == 4}


class Outcomes:
    """A pytest plugin that notes how every test ended."""

    def __init__(self):
        self.of: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.of.setdefault(report.nodeid.partition("[")[0], []).append(report.outcome)

    def say(self, case: Case) -> str | None:
        """ "holds" when every run of the case passed; None when it did not run."""
        ended = self.of.get(case.test)
        if ended is None:
            return None
        passed = ended.count("passed")
        if passed < len(ended):
            return f"**fails** ({len(ended) - passed} of {len(ended)})"
        return "holds" if passed == 1 else f"holds ({passed} variants)"


def write_table(cases: list[Case], outcomes: Outcomes, seconds: float) -> None:
    text = PAPER.read_text()
    before = read_table(text)
    rows = [
        f"| {' | '.join(case.cells)} | {outcomes.say(case) or before.get(case.cells, 'not run')} |"
        for case in cases
    ]
    tests = sum(len(ended) for ended in outcomes.of.values())
    said = f"{len(cases)} cases. Last run: {time.strftime('%Y-%m-%d')}, {tests} tests in {seconds:.0f} s."
    table = "\n".join([BEGIN, "", said, "", *HEAD, *rows, "", END])
    PAPER.write_text(text.partition(BEGIN)[0] + table + text.partition(END)[2])


def main(arguments: list[str]) -> int:
    outcomes, started = Outcomes(), time.monotonic()
    two_shops = ["-n", "2", "--dist", "loadfile"]
    code = pytest.main(["-q", *two_shops, str(FOLDER), *arguments], plugins=[outcomes])
    write_table(find_cases(), outcomes, time.monotonic() - started)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

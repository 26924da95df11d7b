"""Adds up pytest's junit reports and prints one line: `N passed, N failed` (and skipped ones, if any)."""

import sys
from xml.etree import ElementTree


def tally(paths: list[str]) -> dict[str, int]:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in paths:
        for suite in ElementTree.parse(path).iter("testsuite"):  # noqa: S314
            tests, failures, errors, skipped = (
                int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
            )
            counts["passed"] += tests - failures - errors - skipped
            counts["failed"] += failures + errors
            counts["skipped"] += skipped
    return counts


if __name__ == "__main__":
    counts = tally(sys.argv[1:])
    skipped = counts.pop("skipped")
    words = [f"{number} {name}" for name, number in counts.items()]
    print(", ".join(words + ([f"{skipped} skipped"] if skipped else [])))

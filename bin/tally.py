"""Sum of pytest's junit reports on one line: `N passed, N failed` (and skipped ones, if any).

Beside a report `x.xml` may lie `x.xml.second`, a second run of what failed in it: it counts for those.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree


def tally(paths: list[str]) -> dict[str, int]:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in paths:
        for suite in ElementTree.parse(path).iter("testsuite"):  # noqa: S314
            tests, failures, errors, skipped = (
                int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
            )
            counts["passed"] += tests - failures - errors - skipped
            if not Path(f"{path}.second").exists():
                counts["failed"] += failures + errors
            counts["skipped"] += skipped
    return counts


if __name__ == "__main__":
    paths = sys.argv[1:]
    counts = tally(paths + [f"{path}.second" for path in paths if Path(f"{path}.second").exists()])
    skipped = counts.pop("skipped")
    words = [f"{number} {name}" for name, number in counts.items()]
    print(", ".join(words + ([f"{skipped} skipped"] if skipped else [])))

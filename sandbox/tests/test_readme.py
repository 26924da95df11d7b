"""The README's table of faults: equal to the code's. `python tests/test_readme.py` writes it."""

import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- faults -->\n", "<!-- /faults -->"


def table() -> str:
    from node.fault_kinds import KINDS

    rows = ["| Kind | What happens | `match` | Defaults |", "|---|---|---|---|"]
    for kind in KINDS.values():
        defaults = ({"delay_s": kind.delay_s} if kind.delay_s is not None else {}) | kind.params
        shown = ", ".join(f"`{name}` {value}" for name, value in defaults.items())
        rows.append(f"| `{kind.name}` | {kind.says} | {kind.match} | {shown} |")
    return "\n".join(rows) + "\n"


def test_readme_lists_every_fault():
    assert table() in README.read_text()


if __name__ == "__main__":
    sys.path.insert(0, str(README.parent))
    text = README.read_text()
    head, rest = text.split(BEGIN)
    README.write_text(head + BEGIN + table() + END + rest.split(END)[1])

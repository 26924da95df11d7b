"""CSV files to download, which programs open as text and nothing else."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpResponse

# Also those that Excel reads as the same, in their full width.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where commas are decimal points, programs begin a cell behind these as well, quoted or not.
_OTHER_CELL = re.compile(r"([;\t|]\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def csv_answer(name: str, rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """`rows`, the first of them the headings, as the file `name`, which nothing between keeps.

    A text in which a spreadsheet would see a formula has an apostrophe before it; numbers stay numbers.
    """
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    csv.writer(answer).writerows([_cell(value) for value in row] for row in rows)
    return answer


def csv_lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """The same as lines, each made when it is asked for: for files of any length."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


class _Echo:
    """A file that hands back what is written."""

    def write(self, line: str) -> str:
        return line


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    said = value.lstrip()
    text = value[: len(value) - len(said)] + _OTHER_CELL.sub(r"\1'", said)
    return f"'{text}" if said.startswith(_BEGINS_FORMULA) else text

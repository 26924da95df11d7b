"""CSV files to download, which programs open as text and nothing else."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpResponse

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}")


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
    if isinstance(value, str) and value.lstrip().startswith(_BEGINS_FORMULA):
        return f"'{value}"
    return value

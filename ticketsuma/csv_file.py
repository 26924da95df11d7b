"""CSV files to download, which programs open as text and nothing else."""

import csv
from collections.abc import Iterable
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


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith(_BEGINS_FORMULA):
        return f"'{value}"
    return value

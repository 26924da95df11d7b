"""Files of exports: CSV and XLSX, written a row at a time, in which nothing is a formula."""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from ticketsuma.csv_file import csv_lines

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
FORMATS = [("csv", "CSV"), ("xlsx", "XLSX (Excel, LibreOffice)")]
LONGEST_CELL = 32_767  # of XLSX
MOST_ROWS = 1_048_576


def download(name: str, rows: Iterable[list[Any]], kind: str) -> HttpResponse:
    """`rows`, the first of them the labels, as a file that nothing between keeps."""
    answer: Any
    if kind == "xlsx":
        file = tempfile.TemporaryFile()  # noqa: SIM115, closed with the answer
        write_xlsx(rows, file)
        file.seek(0)
        answer = FileResponse(file, content_type=XLSX)
    else:
        answer = StreamingHttpResponse(csv_text(rows), content_type=CSV)
    answer["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    answer["Cache-Control"] = "no-store"
    return answer


def csv_text(rows: Iterable[list[Any]]) -> Iterator[str]:
    """Lines of CSV; moments as ISO 8601."""
    return csv_lines(
        [f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value for value in row]
        for row in rows
    )


def write_xlsx(rows: Iterable[list[Any]], file: IO[bytes]) -> None:
    """One sheet; texts are texts, whatever they begin with. What is beyond the format's last row goes on
    in a second sheet. A row is in memory at a time.
    """
    import xlsxwriter  # 1 MiB that only exports need

    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}
    with xlsxwriter.Workbook(file, options) as book:
        sheet, place = book.add_worksheet(), 0
        bold = book.add_format({"bold": True})
        for row in rows:
            if place == MOST_ROWS:
                sheet, place = book.add_worksheet(), 0
            for column, value in enumerate(row):
                _write(sheet, place, column, value, bold if not place else None)
            place += 1


def _write(sheet: Any, place: int, column: int, value: Any, look: Any) -> None:
    if isinstance(value, bool | str):
        sheet.write_string(place, column, str(value)[:LONGEST_CELL], look)
    elif isinstance(value, int | float | Decimal):
        sheet.write_number(place, column, value, look)
    elif isinstance(value, datetime):
        sheet.write_datetime(place, column, value)
    else:
        sheet.write_string(place, column, str(value)[:LONGEST_CELL], look)

"""Schema of a database as sorted lines: what the migrations of the shop's apps made, without their order.

python -m tests.schema postgres://... | sqlite:///path    prints it

`tests/schemas` holds what v0.9.0 made, by the longer chain of migrations that it had.
"""

import sqlite3
import sys
from collections.abc import Iterable

import psycopg

APPS = ("accounts", "events", "payments", "tickets")

POSTGRESQL = """
    WITH ours AS (
        SELECT oid, relname FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND split_part(relname, '_', 1) = ANY(%s)
    )
    SELECT relname || ' column ' || attname || ' ' || format_type(atttypid, atttypmod)
        || CASE WHEN attnotnull THEN ' not null' ELSE '' END
        || CASE attidentity WHEN '' THEN '' ELSE ' identity ' || attidentity::text END
        || coalesce(' default ' || pg_get_expr(adbin, adrelid), '')
        || CASE WHEN attcollation IN (0, 'pg_catalog."default"'::regcollation) THEN ''
            ELSE ' collate ' || attcollation::regcollation END
    FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL SELECT relname || ' constraint ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
    FROM ours JOIN pg_constraint ON conrelid = ours.oid WHERE contype NOT IN ('n', 't')
    UNION ALL SELECT relname || ' index ' || pg_get_indexdef(indexrelid)
    FROM ours JOIN pg_index ON indrelid = ours.oid
    UNION ALL SELECT relname || ' trigger ' || pg_get_triggerdef(pg_trigger.oid)
    FROM ours JOIN pg_trigger ON tgrelid = ours.oid WHERE NOT tgisinternal
    UNION ALL SELECT 'function ' || pg_get_functiondef(oid)
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def lines_of(url: str) -> list[str]:
    """One line for each column, constraint, index, trigger and function, sorted."""
    found = _sqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else _postgresql(url)
    return sorted(" ".join(line.split()) for line in found)


def _postgresql(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [line for (line,) in connection.execute(POSTGRESQL, [list(APPS)])]


def _sqlite(path: str) -> Iterable[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT type, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    ).fetchall()
    connection.close()
    for kind, table, sql in rows:
        if table.split("_")[0] not in APPS:
            continue
        if kind != "table":
            yield f"{table} {sql}"
        else:
            yield from (f"{table} {part}" for part in _parts(sql))


def _parts(sql: str) -> Iterable[str]:
    """What stands between the outer commas of a CREATE TABLE."""
    depth, quote, start = 0, "", sql.index("(") + 1
    for place in range(start, len(sql)):
        sign = sql[place]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif (sign == "," and not depth) or (sign == ")" and depth == 0):
            yield sql[start:place]
            start = place + 1
        depth += 0 if quote else {"(": 1, ")": -1}.get(sign, 0)


if __name__ == "__main__":
    print("\n".join(lines_of(sys.argv[1])))

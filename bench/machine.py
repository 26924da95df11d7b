"""Measuring instruments: CPU and memory of process trees, and statements that PostgreSQL ran."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and its children, theirs too."""
    pids = [pid]
    for one in pids:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            pids += [int(child) for child in task.read_text().split()]
    return pids


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, with that of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:  # it ended
        return 0.0
    return sum(int(number) for number in fields[11:15]) / _TICKS


def pss_mib(pid: int) -> list[float]:
    """Memory of each process of a tree; a page that several share counts in parts."""
    rollups = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in tree(pid)]
    return [int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) / 1024 for rollup in rollups]


@dataclass
class Spent:
    """CPU seconds by name of a process tree, and statements without transaction control."""

    cpu: dict[str, float] = field(default_factory=dict)
    statements: int = 0

    def for_each(self, done: int) -> str:
        parts = (f"{name} {seconds * 1000 / done:.1f}" for name, seconds in self.cpu.items())
        return ", ".join(parts)


@contextmanager
def spending(trees: dict[str, int], database_url: str = "") -> Iterator[Spent]:
    """What the trees (name: pid) and the database spend inside."""
    spent = Spent()
    before = {name: sum(map(cpu_seconds, tree(pid))) for name, pid in trees.items()}
    began = _calls(database_url)
    yield spent
    spent.statements = _calls(database_url) - began
    spent.cpu = {name: sum(map(cpu_seconds, tree(pid))) - before[name] for name, pid in trees.items()}


COUNTING = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_utility": "off"}


def count_statements(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def _calls(database_url: str) -> int:
    if not database_url.startswith("postgres"):
        return 0
    query = """SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
        JOIN pg_database ON pg_database.oid = dbid WHERE datname = current_database()
        AND query !~ 'pg_stat_statements'"""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]

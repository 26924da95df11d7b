"""Violations: what integrity checks find broken."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """Something that must never be: the check it failed, the row, and why in words."""

    check: str
    row: str
    says: str

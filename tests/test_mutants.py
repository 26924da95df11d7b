"""Mutants: with a guard patched out of a copy of the tree, the test that watches it must fail.

The mutants are `tests/mutants/<name>.patch`; tests/mutation.py says how they are written.
"""

from pathlib import Path

import pytest

from tests.mutation import assert_guard_matters, chosen
from tests.stack import MIGRATED, MIGRATED_SQLITE

MUTANTS = chosen(Path(__file__).with_name("mutants"))


@pytest.mark.parametrize("patch", MUTANTS, ids=lambda path: path.stem)
def test_without_its_guard_the_watching_test_fails(patch, stacks):
    migrated = {MIGRATED: stacks.template("postgresql"), MIGRATED_SQLITE: stacks.template("sqlite")}
    assert_guard_matters(patch, **migrated)


def test_there_are_mutants():
    assert MUTANTS

"""Every guard matters: with the guard patched out of a copy of the tree, the test that watches it must fail.

The mutants are `tests/mutants/<name>.patch`; tests/mutation.py says how they are written.
"""

import os
from pathlib import Path

import pytest

from tests.mutation import assert_guard_matters

MUTANTS = sorted(Path(__file__).with_name("mutants").glob("*.patch"))


@pytest.mark.parametrize("patch", MUTANTS, ids=lambda path: path.stem)
def test_without_its_guard_the_watching_test_fails(patch, tmp_path):
    assert_guard_matters(patch, tmp_path, TEST_DATABASE_URL=os.environ.get("TEST_DATABASE_URL", ""))


def test_there_are_mutants():
    assert MUTANTS

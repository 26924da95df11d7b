"""Controls of the fault tests: without the guard that a case is about, that case fails.

The patches are `tests/faults/controls/<name>.patch`; tests/mutation.py says how they are written.
"""

from pathlib import Path

import pytest

from tests.mutation import assert_guard_matters, chosen
from tests.stack import MIGRATED

CONTROLS = chosen(Path(__file__).with_name("controls"))


@pytest.mark.parametrize("patch", CONTROLS, ids=lambda path: path.stem)
def test_without_the_guard_the_case_fails(patch, stacks):
    assert_guard_matters(patch, **{MIGRATED: stacks.template("postgresql")})


def test_there_are_controls():
    assert CONTROLS

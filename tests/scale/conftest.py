import pytest

from tests.engines import ScaledStack, missing_programs


@pytest.fixture(scope="session")
def tree(stacks):
    """Two web servers and two workers behind nginx and Pushpin, on PgBouncer and Valkey."""
    if missing := missing_programs():
        pytest.skip(f"not on this machine: {', '.join(missing)}")
    stacks.kind = ScaledStack
    try:
        stack = stacks.new("postgresql", webs=2, workers=2)
    finally:
        del stacks.kind
    yield stack.start()
    stack.close()

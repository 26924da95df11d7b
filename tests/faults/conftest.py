"""Fixtures: one shop for all fault tests of a process, healed before each and checked after each."""

import shutil
import tempfile
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.buyer import Sandbox
from tests.faults.faulty import FaultyStack, FaultyStacks


@pytest.fixture(scope="session")
def faulty_stacks():
    folder = Path(tempfile.mkdtemp(prefix="ticketsuma-faults-"))
    made = FaultyStacks(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def faulty_stack(faulty_stacks, vasp) -> FaultyStack:
    """Its node holds an operator's float of 1,000 sats and 5 % of what arrives, as that of `./run`."""
    return faulty_stacks.new("postgresql", workers=2, vasps=(vasp.domain,), WEB_THREADS="32").start()


@pytest.fixture
def shop(faulty_stack) -> FaultyStack:
    """The shop under fault. A test that passed is followed by `ends_clean`, as part of it."""
    faulty_stack.heal()
    return faulty_stack


@pytest.fixture
def sandbox(shop) -> Sandbox:
    return shop.node


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    result = yield
    if "shop" in pyfuncitem.funcargs:
        pyfuncitem.funcargs["shop"].ends_clean()
    return result


class ControlsOneByOne(LoadFileScheduling):
    """A file's tests share a shop and so a process; each control has a shop of its own and fills gaps."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if "/test_controls.py" in nodeid else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") == "loadfile":
        return ControlsOneByOne(config, log)
    return None

"""Fixtures for tests over real processes: a PostgreSQL, stacks, a browser."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.engines import on_engines
from tests.postgres import Server
from tests.push_service import PushService
from tests.stack import Stack, Stacks
from tests.vasp import Vasp

# pytest-playwright runs an event loop in the test's thread, which makes Django refuse its own ORM there.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture(scope="session")
def stacks():
    """Makes stacks for whoever needs one; all of them, and their PostgreSQL, end with the session."""
    folder = Path(tempfile.mkdtemp(prefix="ticketsuma-stacks-"))
    made = Stacks(folder)
    if os.environ.get("ENGINES"):
        made.kind = on_engines
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(stacks) -> Server:
    """The PostgreSQL server of this session: a private cluster, or that of TEST_DATABASE_URL."""
    return stacks.server


@pytest.fixture(scope="session")
def vasp():
    """A wallet provider whose keys the tests hold, so that they can sign as it would."""
    provider = Vasp()
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def push_service():
    """A push service that the tests' stacks may reach, with the keys of browsers."""
    played = PushService()
    yield played
    played.close()


@pytest.fixture(scope="session")
def postgres_stack(stacks, vasp) -> Stack:
    """The stack on PostgreSQL that tests share; leave it as healthy as you found it."""
    return stacks.new("postgresql", vasps=(vasp.domain,)).start()


@pytest.fixture(scope="session")
def sqlite_stack(stacks, vasp, push_service) -> Stack:
    """The same on SQLite."""
    return stacks.new("sqlite", vasps=(vasp.domain, push_service.domain)).start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the processes said last."""
    report = yield
    if report.failed:
        report.sections += [(f"logs in {stack.folder}", stack.logs()) for stack in Stack.alive]
    return report


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """The machine's own chromium, also as root in a container."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    return browser_type_launch_args | {
        "executable_path": chromium,
        "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    }

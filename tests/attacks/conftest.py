"""Fixtures: one production shop on each database, shared by all attacks, and a new attacker for each."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.attacks.attacker import Attacker, Browser
from tests.attacks.shop import PRODUCTION, Shop
from tests.mailbox import Mailbox

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def static_root():
    folder = Path(tempfile.mkdtemp(prefix="ticketsuma-static-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", params=["postgresql", "sqlite"])
def shop(request, stacks, vasp, static_root):
    """The shop under attack. After the last attack nothing is sold twice, paid twice or lost."""
    mailbox = Mailbox()
    to_mailbox = {"EMAIL_URL": f"smtp://127.0.0.1:{mailbox.port}", "STATIC_ROOT": str(static_root)}
    stack = stacks.new(request.param, vasps=(vasp.domain,), **to_mailbox, **PRODUCTION)
    if not any(static_root.iterdir()):
        stack.manage("collectstatic", "--no-input", "--verbosity=0", seconds=120)
    yield Shop(stack.start(), mailbox)
    stack.audit()
    stack.close()
    mailbox.close()


@pytest.fixture
def someone(shop) -> Attacker:
    """Nobody the shop knows, at an address it has not seen."""
    return shop.attacker()


@pytest.fixture
def visitor(someone) -> Browser:
    return someone.browser()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Under `-n 2 --dist loadgroup` each process has one database's shop, and files with their own shops."""
    for item in items:
        if item.path.parent == FOLDER:
            shop = item.callspec.params.get("shop") if hasattr(item, "callspec") else None
            item.add_marker(pytest.mark.xdist_group(shop or item.path.stem))

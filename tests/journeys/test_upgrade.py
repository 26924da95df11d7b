"""Upgrade without a gap: v0.9.0 and this version side by side on one database, while buyers buy.

v0.9.0 is taken from the history, with the libraries of its own lock file; both are kept in var/upgrade.
"""

import io
import os
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.buyer import Buyer, Sandbox
from tests.processes import wait_until
from tests.stack import ROOT, Stack

V0_9_0 = "ebc1a31c58f841016bb8d54b04d6c849f76782f0"
BUYERS = 20  # a second, as far as the machine goes
SECONDS = 4.0  # of each step
SEATS = 2


def in_history() -> bool:
    asked = ["git", "cat-file", "-e", f"{V0_9_0}^{{commit}}"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not in_history(), reason="v0.9.0 is not in this clone's history (it is shallow)"
)


class Earlier:
    """v0.9.0: its tree, and a Python with its libraries."""

    def __init__(self, folder: Path):
        self.tree, self.python = folder / "tree", str(folder / "venv" / "bin" / "python")
        if (folder / "made").exists():
            return
        archive = subprocess.run(["git", "archive", V0_9_0], cwd=ROOT, capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(self.tree, filter="data")
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", "--without-pip", folder / "venv"], check=True
        )
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", self.tree / "requirements.lock"], check=True, timeout=600)
        (folder / "made").touch()

    def runs(self, process) -> None:
        """Let a process of a stack run this version."""
        process.cwd, process.command = self.tree, [self.python, *process.command[1:]]


@pytest.fixture(scope="module")
def earlier():
    return Earlier(ROOT / "var" / "upgrade" / V0_9_0[:12])


@pytest.fixture(scope="module")
def shop(stacks, earlier):
    """Two web servers and two workers, the first of each of v0.9.0, on a database that v0.9.0 migrated."""
    folder = stacks.folder / "upgrade"
    stack = Stack(folder, stacks.server.create_database(f"upgrade_{os.getpid()}"), webs=2, workers=2)
    stacks.made.append(stack)
    earlier.runs(stack.webs[0]), earlier.runs(stack.workers[0])
    subprocess.run(
        [earlier.python, "manage.py", "migrate", "--no-input", "--verbosity=0"],
        cwd=earlier.tree, env=stack.env, check=True, timeout=120,
    )  # fmt: skip
    assert (
        stack._process("prepare", [sys.executable, "sandbox/manage.py", "prepare"]).start().child.wait(60)
        == 0
    )
    for process in (stack.sandbox, stack.webs[0], stack.workers[0]):
        process.start()
    wait_until(lambda: answers(stack.shop_urls[0]), 60, "v0.9.0 is up")
    yield stack
    stack.close()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=5).json()["status"] == "ok"
    except requests.RequestException:
        return False


class Crowd:
    """Buyers who come at an even pace, where a balancer would send them; every second one pays."""

    def __init__(self, stack: Stack, event: int):
        self.stack, self.event, self.urls = stack, event, list(stack.shop_urls[:1])
        self.bought: list[tuple[Buyer, bool]] = []
        self.errors: list[str] = []
        self._stop, self._pool = threading.Event(), ThreadPoolExecutor(12)
        self._pace = threading.Thread(target=self._come, daemon=True)
        self._pace.start()

    def _come(self) -> None:
        number = 0
        while not self._stop.is_set():
            self._pool.submit(self._buy, self.urls[number % len(self.urls)], pays=number % 2 == 0)
            number += 1
            time.sleep(1 / BUYERS)

    def _buy(self, url: str, pays: bool) -> None:
        try:
            buyer = Buyer(self.stack).buy(self.event, quantity=SEATS, url=url)
            self.bought.append((buyer, pays))
            if pays:
                bolt11 = wait_until(lambda: self._bolt11(url, buyer), 30, "a BOLT11")
                Sandbox(self.stack).pay_from_outside(bolt11)
        except Exception as error:
            self.errors.append(f"{url}: {error!r}")

    def _bolt11(self, url: str, buyer: Buyer) -> str:
        token = {"Order-Token": buyer.bought["order"]["token"]}
        answer = requests.get(f"{url}/api/orders/{buyer.order_id}", headers=token, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["payment"]["bolt11"]

    def go_to(self, *urls: str) -> None:
        """The balancer sends buyers there from now on; those on their way arrive."""
        self.urls = list(urls)

    def keep_on(self) -> None:
        """So many more have bought; no error so far."""
        before = len(self.bought)
        time.sleep(SECONDS)
        assert self.errors == []
        assert len(self.bought) > before, "nobody can buy"

    def go_home(self) -> None:
        self._stop.set()
        self._pace.join()
        self._pool.shutdown(wait=True)


def test_a_rollout_loses_no_hold_and_shows_no_error(shop):
    old, new = shop.shop_urls
    event = earlier_event(shop)
    crowd = Crowd(shop, event)
    crowd.keep_on()
    shop.manage("migrate", "--no-input", "--verbosity=0", seconds=120)  # this version's, under v0.9.0's sales
    crowd.keep_on()
    shop.webs[1].start(), shop.workers[1].start()
    wait_until(lambda: answers(new), 60, "this version is up")
    crowd.go_to(old, new)
    crowd.keep_on()
    crowd.go_to(new)
    wait_until(lambda: crowd._pool._work_queue.empty(), 30, "nobody waits at v0.9.0 any more")
    time.sleep(1)
    assert shop.webs[0].stop() == 0
    assert shop.workers[0].stop(seconds=30) == 0
    crowd.keep_on()
    crowd.go_home()
    assert crowd.errors == []
    print(f"{len(crowd.bought)} bought during the rollout")
    nothing_is_lost(shop, crowd, event)


def earlier_event(shop: Stack) -> int:
    """An event made by v0.9.0 itself: this version's models know columns that are not there yet."""
    code = (
        "from datetime import timedelta; from django.utils import timezone; from events.models import Event;"
        " now = timezone.now(); print(Event.objects.create(title='A long night', capacity=100000,"
        " price_sats=100, start_time=now + timedelta(hours=1), end_time=now + timedelta(hours=3)).pk)"
    )
    web = shop.webs[0]
    done = subprocess.run(
        [web.command[0], "manage.py", "shell", "--no-imports", "-c", code],
        cwd=web.cwd, env=shop.env, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return int(done.stdout.split()[-1])


def nothing_is_lost(shop: Stack, crowd: Crowd, event: int) -> None:
    """Each who paid is in, each other's seats are held; seats and money add up, and no process complained."""
    paid = {buyer.order_id for buyer, pays in crowd.bought if pays}
    held = {buyer.order_id for buyer, pays in crowd.bought if not pays}
    states = "dict((str(o.pk), o.status) for o in Order.objects.filter(event=event))"
    wait_until(lambda: settled(shop.django(states, event=event), paid), 60, "everybody who paid has a ticket")
    now = shop.django(states, event=event)
    assert {pk for pk, state in now.items() if state == "paid"} == paid
    assert {pk for pk, state in now.items() if state == "pending"} == held
    taken = shop.django("Event.objects.get(pk=event).seats_taken", event=event)
    assert taken == SEATS * len(crowd.bought)
    shop.audit()
    lines = [line for p in [*shop.webs, *shop.workers] for line in p.log.read_text().splitlines()]
    assert [line for line in lines if '"level": "error"' in line or '"level": "critical"' in line] == []


def settled(states: dict[str, str], paid: set[str]) -> bool:
    return all(states.get(pk) == "paid" for pk in paid)

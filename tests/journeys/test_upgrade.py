"""Upgrade without a gap: the last release and this version side by side on one database, while buyers buy."""

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import requests

from tests.buyer import Buyer, Sandbox
from tests.earlier import tree_of_release
from tests.faults.proxy import Proxy
from tests.processes import Process, free_port, wait_until
from tests.stack import Stack

BUYERS_PER_SECOND = 20  # as far as the machine goes
AT_ONCE = 12
EACH_STEP = 40  # this many more buy before the next step of the rollout
SEATS = 2


class Rollout(Stack):
    """A shop behind a balancer: web server and worker 0 are the last release's, the others this version's."""

    def __init__(self, folder, database_url: str):
        site_port = free_port()
        site = f"localhost:{site_port}"
        super().__init__(
            folder,
            database_url,
            webs=2,
            workers=2,
            SITE_URL=f"http://{site}",
            UMA_DOMAIN=site,
            SANDBOX_LOCAL_VASPS=site,
            SANDBOX_WEBHOOK_URL=f"http://{site}/api/webhooks/payment",
        )
        self.site_port, self.tree = site_port, tree_of_release(folder / "release")
        self.webs[0].cwd = self.workers[0].cwd = self.tree
        # What reaches the site, other than the buyers: the node's webhooks.
        self.balancer = Proxy(site_port, self.ports[0])

    def close(self) -> None:
        super().close()
        self.balancer.close()

    def manage_release(self, *arguments: str) -> str:
        """What `manage.py <arguments>` of the last release says."""
        command = [self.web.command[0], "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=self.tree, env=self.env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_release(self) -> None:
        prepare = self._process("prepare", [self.web.command[0], "sandbox/manage.py", "prepare"]).start()
        assert prepare.child.wait(60) == 0, prepare.tail()
        for process in (self.sandbox, self.webs[0], self.workers[0]):
            process.start()
        wait_until(lambda: self.is_well(0), 60, "the last release is up")

    def start_this_version(self) -> None:
        for process in (self.webs[1], self.workers[1]):
            process.start()
        wait_until(lambda: self.is_well(1), 60, "this version is up")

    def is_well(self, number: int) -> bool:
        assert self.webs[number].running, self.webs[number].tail()
        try:
            return requests.get(f"{self.shop_urls[number]}/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False


class Crowd:
    """Buyers who come at an even pace, to where a balancer would send them; every second one pays."""

    def __init__(self, shop: Rollout, event: int):
        self.shop, self.event = shop, event
        self.urls = [shop.shop_urls[0]]
        self.bought: list[tuple[Buyer, bool]] = []
        self.errors: list[str] = []
        self._under_way = dict.fromkeys(shop.shop_urls, 0)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._free = threading.Semaphore(AT_ONCE)
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._pace = threading.Thread(target=self._come, daemon=True)
        self._pace.start()

    def _come(self) -> None:
        for number in count():
            if self._stop.wait(1 / BUYERS_PER_SECOND):
                return
            self._free.acquire()
            with self._lock:
                url = self.urls[number % len(self.urls)]
                self._under_way[url] += 1
            self._pool.submit(self._buy, url, pays=number // 2 % 2 == 0)

    def _buy(self, url: str, pays: bool) -> None:
        try:
            buyer = Buyer(self.shop).buy(self.event, quantity=SEATS, url=url)
            self.bought.append((buyer, pays))
            if pays:
                Sandbox(self.shop).pay_from_outside(wait_until(lambda: self._bolt11(url, buyer), 30))
        except Exception as error:  # whatever a buyer meets is an error of the rollout
            self.errors.append(f"{url}: {error!r}")
        finally:
            with self._lock:
                self._under_way[url] -= 1
            self._free.release()

    def _bolt11(self, url: str, buyer: Buyer) -> str:
        token = {"Order-Token": buyer.bought["order"]["token"]}
        answer = requests.get(f"{url}/api/orders/{buyer.order_id}", headers=token, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["payment"]["bolt11"]

    def go_to(self, *urls: str) -> None:
        """New buyers go there from now on; returns when nobody is elsewhere any more."""
        with self._lock:
            self.urls = list(urls)
        elsewhere = set(self._under_way) - set(urls)
        wait_until(lambda: not any(self._under_way[url] for url in elsewhere), 60, "the others are served")

    def goes_on(self) -> None:
        """So many more have bought, and nobody met an error."""
        enough = len(self.bought) + EACH_STEP
        wait_until(lambda: self.errors or len(self.bought) >= enough, 60, "buyers can buy")
        assert self.errors == []

    def go_home(self) -> None:
        self._stop.set()
        self._pace.join()
        self._pool.shutdown(wait=True)
        assert self.errors == []


@pytest.fixture
def shop(stacks):
    shop = Rollout(stacks.folder / "rollout", stacks.server.create_database(f"rollout_{os.getpid()}"))
    yield shop
    shop.close()


def event_of_release(shop: Rollout) -> int:
    """An event that the last release made itself; returns its id."""
    code = (
        "from datetime import timedelta; from django.utils import timezone; from events.models import Event;"
        " now = timezone.now(); print(Event.objects.create(title='A long night', capacity=100000,"
        " price_sats=100, start_time=now + timedelta(hours=1), end_time=now + timedelta(hours=3)).pk)"
    )
    return int(shop.manage_release("shell", "-c", code).split()[-1])


def test_a_rollout_loses_no_hold_and_shows_no_error(shop):
    shop.manage_release("migrate", "--no-input", "--verbosity=0")
    event = event_of_release(shop)
    shop.start_release()
    old, new = shop.shop_urls
    crowd = Crowd(shop, event)
    crowd.goes_on()
    shop.manage("migrate", "--no-input", "--verbosity=0", seconds=120)
    crowd.goes_on()
    shop.start_this_version()
    crowd.go_to(old, new)
    crowd.goes_on()
    crowd.go_to(new)
    shop.balancer.target_port = shop.ports[1]
    assert shop.webs[0].stop() == 0
    assert shop.workers[0].stop(seconds=30) == 0
    crowd.goes_on()
    crowd.go_home()
    print(f"{len(crowd.bought)} bought during the rollout")
    nothing_is_lost(shop, crowd, event)


def nothing_is_lost(shop: Rollout, crowd: Crowd, event: int) -> None:
    """Each who paid is in, the others' seats are held; seats and money add up, and no process complained."""
    expected = {buyer.order_id: "paid" if pays else "pending" for buyer, pays in crowd.bought}
    states = "{str(o.pk): o.status for o in Order.objects.filter(event=event)}"
    wait_until(lambda: shop.django(states, event=event) == expected, 60, "everybody has what they bought")
    taken = shop.django("Event.objects.get(pk=event).seats_taken", event=event)
    assert taken == SEATS * len(crowd.bought)
    shop.audit()
    shop.manage("fill_lines")
    shop.audit()
    assert [line for process in shop.processes for line in complaints(process)] == []


def complaints(process: Process) -> list[str]:
    lines = process.log.read_text().splitlines()
    return [line for line in lines if '"level": "error"' in line or '"level": "critical"' in line]

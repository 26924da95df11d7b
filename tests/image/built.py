"""The built image at work: sells a ticket, can write nothing but its data, and stops.

python -m tests.image.built DIR     DIR as deploy/image/build_here.sh has filled it
"""

import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event
from tests.postgres import Cluster
from tests.processes import Process
from tests.stack import ROOT, Stack

BUILD = str(ROOT / "deploy" / "image" / "build_here.sh")
STOPS_WITHIN_SECONDS = 5


class Built(Stack):
    """The sandbox and `manage()` from the source tree; web server and worker from the image."""

    def __init__(self, built: Path, folder: Path, database_url: str):
        super().__init__(
            folder, database_url, DEBUG="0", ALLOW_TEST_NETWORK="1", EMAIL_URL="filemail:///data/mail"
        )
        self.run = [BUILD, str(built), "run"]
        self.webs = [self._in_image("web0")]
        self.workers = [self._in_image("worker0", "python", "manage.py", "worker")]

    def _in_image(self, name: str, *command: str) -> Process:
        process = self._process(name, [*self.run, *command])
        del process.env["VAR_DIR"]  # the image's own
        return process

    def says(self, name: str, *command: str) -> str:
        """What a command in the image says, on both outputs; it must succeed."""
        process = self._in_image(name, *command).start()
        assert process.child.wait(120) == 0, process.tail()
        return process.log.read_text()


def main(built: Path) -> None:
    cluster = Cluster().create()
    with tempfile.TemporaryDirectory(prefix="ticketsuma-built-") as folder:
        shop = Built(built, Path(folder) / "stack", cluster.create_database("built"))
        try:
            walls_are_up(shop)
            shop.says("migrate", "python", "manage.py", "migrate", "--no-input", "--verbosity=0")
            shop.start()
            a_ticket_is_sold(shop)
            it_stops(shop)
        except BaseException:
            print(shop.logs())
            raise
        finally:
            shop.close()
            cluster.destroy()


def walls_are_up(shop: Built) -> None:
    said = shop.says("walls", "sh", "-c", "id -u; ! touch /app/x && touch /data/x && cat /proc/self/status")
    assert said.startswith("10001\n"), said
    assert "cannot touch '/app/x': Read-only file system" in said, said
    assert re.findall(r"Cap(?:Eff|Prm|Inh|Amb|Bnd):\s*([0-9a-f]+)", said) == ["0" * 16] * 5, said
    print("It runs as 10001, has no capability, and can write to /data only.")


def a_ticket_is_sold(shop: Built) -> None:
    alice = Sandbox(shop).wallet("alice")
    buyer = Buyer(shop).buy(make_event(shop), uma_address=alice.address)
    alice.approve(alice.request_for(buyer, seconds=40))
    assert_sold_once(buyer)
    print("A ticket was sold and paid by UMA; the audit found nothing.")


def it_stops(shop: Built) -> None:
    for process in (shop.web, shop.worker):
        started = time.monotonic()
        assert process.stop(signal.SIGTERM) == 0, process.tail()
        took = time.monotonic() - started
        assert took < STOPS_WITHIN_SECONDS, f"{process.name} stopped after {took:.1f} s"
        print(f"{process.name} stopped within {took:.1f} s.")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

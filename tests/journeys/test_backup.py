"""Drills of deploy/backup: a lost disk, a mistake, an older dump, SQLite and covers."""

import shutil
import threading
import time
from pathlib import Path

import psycopg
import pytest
import requests

from tests.backups import Backups
from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event
from tests.postgres import Cluster
from tests.processes import wait_until
from tests.stack import Stack

# Promised in deploy/backup/README.md: what may be lost, and how long a small shop is away.
RPO_SECONDS, RTO_SECONDS = 60, 900
COVER = "covers/night.webp"


class Shop(Stack):
    """A stack on a cluster of its own, whose data may go and come back."""

    def __init__(self, folder: Path, cluster: Cluster):
        self.cluster = cluster
        super().__init__(folder, cluster.create_database("shop"))

    def stop(self) -> None:
        for process in (*self.webs, *self.workers):
            process.stop()

    def open_again(self) -> None:
        """As the guide says, once the data is there."""
        self.manage("migrate", "--no-input", "--verbosity=0")
        self.audit()
        for process in (*self.webs, *self.workers):
            process.start()
        self.wait_healthy()

    def lose(self) -> None:
        """A disk dies: the server at once, with all of its files."""
        self.cluster.stop(immediate=True)
        shutil.rmtree(self.cluster.data)

    def server_again(self) -> None:
        """Start the server on what was restored, and wait until it has played the log."""
        self.cluster.start()
        wait_until(self._is_writable, 60, "the server opens for writing")

    def _is_writable(self) -> bool:
        with self.cluster.connect() as connection:
            return not connection.execute("SELECT pg_is_in_recovery()").fetchone()[0]


@pytest.fixture(scope="module")
def shop(stacks):
    cluster = Cluster(durable=True).create()
    stack = Shop(stacks.folder / "backed-up", cluster)
    stack.manage("migrate", "--no-input", "--verbosity=0")
    yield stack.start()
    stack.close()
    cluster.destroy()


@pytest.fixture
def backups(shop, tmp_path_factory):
    """A folder for backups outside of pytest's private one, which the server's user cannot enter."""
    made = Backups(
        shop.cluster.folder / f"vault{time.monotonic_ns()}", shop.cluster.user, DATABASE_URL=shop.database_url
    )
    yield made
    made.wal.stop()


def paid(shop: Stack, event: int) -> Buyer:
    buyer = Buyer(shop).buy(event)
    Sandbox(shop).pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid")
    return buyer


class Crowd(threading.Thread):
    """Buyers one after the other, until the shop is gone: each order with the moment it was confirmed."""

    def __init__(self, shop: Stack, event: int):
        super().__init__(daemon=True)
        self.shop, self.event = shop, event
        self.confirmed: list[tuple[str, float]] = []

    def run(self) -> None:
        while True:
            try:
                buyer = Buyer(self.shop).buy(self.event)
            except (AssertionError, requests.RequestException):
                return
            self.confirmed.append((buyer.order_id, time.monotonic()))


def test_a_lost_disk_costs_no_minute_of_sales(shop, backups):
    event = make_event(shop, capacity=10_000)
    backups.wal.start()
    before = paid(shop, event)
    backup = backups.once()
    since = paid(shop, event)
    crowd = Crowd(shop, event)
    crowd.start()
    wait_until(lambda: len(crowd.confirmed) >= 20, 60, "buyers buy")
    shop.lose()
    lost_at = time.monotonic()
    crowd.join(60)
    backups.wal.stop()
    shop.stop()

    backups.run("restore.sh", "cluster", backup, shop.cluster.data)
    shop.server_again()
    shop.open_again()
    assert_sold_once(before)
    assert_sold_once(since)
    assert_sold_once(paid(shop, event))
    away = time.monotonic() - lost_at
    there = {str(pk) for pk in shop.django("list(Order.objects.values_list('pk', flat=True))")}
    missing = [at for order, at in crowd.confirmed if order not in there]
    lost = max((lost_at - at for at in missing), default=0)
    print(f"lost: {len(missing)} of {len(crowd.confirmed)} orders, {lost:.2f} s; away for {away:.1f} s")
    assert lost < RPO_SECONDS
    assert away < RTO_SECONDS


def test_a_mistake_is_undone_up_to_the_moment_before(shop, backups):
    """The folder is a new one, as after any restore."""
    event = make_event(shop)
    backups.wal.start()
    backup = backups.once()
    buyer = paid(shop, event)
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        moment = connection.execute("SELECT clock_timestamp()::text").fetchone()[0]
        shop.stop()
        connection.execute("TRUNCATE tickets_order CASCADE")
        end = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()[0]
        fetched = "SELECT coalesce(bool_or(flush_lsn >= %s), false) FROM pg_stat_replication"
        wait_until(lambda: connection.execute(fetched, [end]).fetchone()[0], 30, "the log is fetched")
    shop.lose()
    backups.wal.stop()

    backups.run("restore.sh", "cluster", backup, shop.cluster.data, moment)
    shop.server_again()
    shop.open_again()
    assert_sold_once(buyer)


def test_a_dump_goes_back_whole_and_what_came_later_is_not_in_it(shop, backups):
    event = make_event(shop)
    before = paid(shop, event)
    backup = backups.once()
    with shop.cluster.connect("shop") as connection:
        connection.execute("CREATE TABLE of_a_newer_version ()")
    later = Buyer(shop).buy(event)
    shop.stop()
    backups.run("restore.sh", "dump", backup)
    shop.open_again()
    assert_sold_once(before)
    assert shop.django("Order.objects.filter(pk=pk).count()", pk=later.order_id) == 0
    with shop.cluster.connect("shop") as connection:
        assert connection.execute("SELECT to_regclass('of_a_newer_version')").fetchone() == (None,)


def test_what_stands_where_something_would_go_is_kept(shop, backups):
    backup = backups.once()
    said = backups.run("restore.sh", "cluster", backup, shop.cluster.data, check=False)
    assert said.startswith("1 ")
    assert "is not empty" in said


def test_a_damaged_backup_is_refused(shop, backups):
    backup = backups.once()
    with (backup / "cluster" / "PG_VERSION").open("a") as file:
        file.write("9")
    said = backups.run("restore.sh", "cluster", backup, backups.folder / "new", check=False)
    assert said.startswith("1 ")
    assert not (backups.folder / "new").exists()


def test_what_cannot_be_made_whole_is_not_there(shop, backups):
    away = shop.database_url.replace(f":{shop.cluster.port}/", ":9/")
    assert not backups.run("backup.sh", "once", check=False, DATABASE_URL=away).startswith("0 ")
    kept = backups.once()
    assert [folder.name for folder in kept.parent.iterdir() if folder.name[:2] == "20"] == [kept.name]


def test_old_backups_go_with_the_log_that_only_they_needed(shop, backups):
    backups.wal.start()
    first = backups.once()
    log = first.parent / "wal"
    wait_until(lambda: any(log.glob("*")), 30, "the log is fetched")
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CREATE TABLE of_the_next_segment ()")
        connection.execute("DROP TABLE of_the_next_segment")
    segments = wait_until(lambda: sorted(file.name for file in log.glob("*[0-9A-F]")), 30, "a whole segment")
    old = first.rename(first.with_name("2020-01-01T000000Z"))
    newest = backups.once()
    assert not old.exists()
    assert newest.exists()
    assert not (log / segments[0]).exists()


def test_sqlite_and_covers_while_the_shop_sells(stacks, tmp_path):
    shop = stacks.new("sqlite").start()
    database = Path(shop.database_url.removeprefix("sqlite:///"))
    media = shop.folder / "media"
    (media / COVER).parent.mkdir(parents=True)
    (media / COVER).write_bytes(b"picture")
    backups = Backups(tmp_path / "vault", None, DATABASE_URL=shop.database_url, MEDIA_ROOT=str(media))
    event = make_event(shop, capacity=10_000)
    buyer = paid(shop, event)
    crowd = Crowd(shop, event)
    crowd.start()
    wait_until(lambda: len(crowd.confirmed) >= 3, 30, "buyers buy")
    backup = backups.once()
    for process in (*shop.webs, *shop.workers):
        process.stop()
    crowd.join(60)
    assert "is there" in backups.run("restore.sh", "sqlite", backup, database, check=False)
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    shutil.rmtree(media)

    backups.run("restore.sh", "sqlite", backup, database)
    backups.run("restore.sh", "covers", backup, media)
    assert (media / COVER).read_bytes() == b"picture"
    shop.audit()
    for process in (*shop.webs, *shop.workers):
        process.start()
    shop.wait_healthy()
    assert_sold_once(buyer)
    assert shop.django("Order.objects.count()") >= 1 + 3
    shop.close()

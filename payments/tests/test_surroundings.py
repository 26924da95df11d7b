"""Checks of the surroundings: DNS and TLS asked of real servers, backups and disk as they lie there."""

import contextlib
import os
import socket
import ssl
import threading
import time
from datetime import timedelta

import dns.message
import dns.resolver
import dns.rrset
import pytest
from django.db import connection
from django.utils import timezone

from payments import surroundings
from payments.doctor_advice import ADVICE
from payments.tests.test_uma_safe_http import self_signed


def said(findings) -> dict[str, tuple[str, str]]:
    return {finding.check: (finding.level, finding.says) for finding in findings}


# -- DNS --------------------------------------------------------------------------------------
class NameServer:
    """A DNS server on a port of its own: `texts` by name; any other name does not exist."""

    def __init__(self):
        self.texts: dict[str, str] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                wire, sender = self._socket.recvfrom(4096)
            except OSError:
                return
            question = dns.message.from_wire(wire)
            name = question.question[0].name
            answer = dns.message.make_response(question)
            if text := self.texts.get(name.to_text(omit_final_dot=True)):
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{text}"'))
            else:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            with contextlib.suppress(OSError):  # closed while it answered
                self._socket.sendto(answer.to_wire(), sender)


@pytest.fixture
def names(settings, monkeypatch):
    """The name server that the machine asks, and a shop that mails by a server."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.DEFAULT_FROM_EMAIL = "Shop <hello@tickets.example.com>"
    server = NameServer()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    yield server
    server.close()


def test_a_sender_without_records_is_told_which(names):
    found = said(surroundings._mail_dns())
    assert {check: level for check, (level, _says) in found.items()} == {
        "spf": "note",
        "dmarc": "note",
        "dkim": "note",
    }
    assert "tickets.example.com has no record for SPF" in found["spf"][1]


def test_a_sender_with_records_is_well(names, settings):
    settings.DKIM_SELECTOR = "s1"
    names.texts = {
        "tickets.example.com": "v=spf1 include:mail.example.net -all",
        "_dmarc.example.com": "v=DMARC1; p=reject",  # its parent's counts
        "s1._domainkey.tickets.example.com": "v=DKIM1; k=rsa; p=MIIBIjANBg",
    }
    assert {level for level, _says in said(surroundings._mail_dns()).values()} == {"ok"}


def test_dns_that_does_not_answer_is_a_note(names, settings, monkeypatch):
    names.close()
    monkeypatch.setattr(surroundings, "SECONDS", 0.3)
    level, says = said(surroundings._mail_dns())["spf"]
    assert (level, "cannot be asked" in says) == ("note", True)


def test_a_host_without_address_sells_nothing(settings):
    settings.SITE_URL = "https://no-such-host.invalid"
    assert said(surroundings._dns())["dns"][0] == "wrong"


def test_a_private_address_is_named(settings):
    settings.SITE_URL, settings.ALLOW_TEST_NETWORK = "https://localhost", False
    level, says = said(surroundings._dns())["dns"]
    assert (level, "127.0.0.1" in says) == ("note", True)


# -- TLS --------------------------------------------------------------------------------------
class TlsServer:
    """Shakes hands on a port of its own, with a certificate for localhost that ends in so many days."""

    def __init__(self, folder, days: int):
        self.pem = folder / "server.pem"
        self.pem.write_bytes(self_signed("localhost", days=days))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.pem)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
                with self._context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(1)
            except ssl.SSLError:
                continue
            except OSError:
                return


@pytest.mark.parametrize(("days", "level"), [(30, "ok"), (5, "wrong")])
def test_a_certificate_that_ends_soon_is_wrong(settings, tmp_path, monkeypatch, days, level):
    server = TlsServer(tmp_path, days)
    settings.SITE_URL = server.url
    monkeypatch.setenv("SSL_CERT_FILE", str(server.pem))
    assert said(surroundings._tls())["tls"][0] == level
    server.close()


def test_a_certificate_that_nobody_vouches_for_is_wrong(settings, tmp_path):
    server = TlsServer(tmp_path, 30)
    settings.SITE_URL = server.url
    level, says = said(surroundings._tls())["tls"]
    assert (level, "will not trust" in says) == ("wrong", True)
    server.close()


def test_nobody_who_listens_is_unknown(settings):
    settings.SITE_URL = "https://localhost:9"
    assert said(surroundings._tls())["tls"][0] == "unknown"


# -- backups ----------------------------------------------------------------------------------
def make_backup(folder, age: timedelta) -> None:
    (folder / f"{timezone.now() - age:%Y-%m-%dT%H%M%SZ}").mkdir(parents=True)


@pytest.mark.parametrize(
    ("age", "level"), [(timedelta(hours=3), "ok"), (timedelta(hours=27), "wrong"), (None, "wrong")],
    ids=["fresh", "old", "none"],
)  # fmt: skip
def test_old_backups_are_wrong(settings, tmp_path, age, level):
    settings.BACKUPS = tmp_path
    (tmp_path / "2999-01-01T000000Z.unfinished").mkdir()
    if age is not None:
        make_backup(tmp_path, age)
    assert said(surroundings._backups())["backups"][0] == level


@pytest.mark.parametrize(("minutes", "level"), [(1, "ok"), (20, "wrong")])
def test_a_log_that_is_not_kept_any_more_is_wrong(settings, tmp_path, monkeypatch, minutes, level):
    monkeypatch.setattr(connection, "vendor", "postgresql")
    settings.BACKUPS = tmp_path
    make_backup(tmp_path, timedelta(hours=1))
    (tmp_path / "wal").mkdir()
    segment = tmp_path / "wal" / "000000010000000000000002.partial"
    segment.touch()
    os.utime(segment, times=(time.time() - minutes * 60,) * 2)
    assert said(surroundings._backups())["write-ahead log"][0] == level


def test_a_folder_that_is_not_there_is_unknown(settings, tmp_path):
    settings.BACKUPS = tmp_path / "gone"
    assert said(surroundings._backups())["backups"][0] == "unknown"


def test_without_a_folder_it_is_said_that_nobody_looks(settings):
    settings.BACKUPS, settings.ALLOW_TEST_NETWORK = None, False
    assert said(surroundings._backups())["backups"][0] == "note"


# -- database and disk ------------------------------------------------------------------------
@pytest.mark.django_db
def test_clock_limits_and_connections_of_the_database():
    found = said(surroundings._database())
    if connection.vendor == "postgresql":
        assert found["clock"][0] == "ok"
        assert {"limits", "connections"} <= set(found)
    else:
        assert found["database"][0] == "ok"


@pytest.mark.parametrize(
    ("free", "level"), [(10 * 2**20, "wrong"), (500 * 2**20, "note"), (5 * 2**30, "ok")],
    ids=["full", "low", "room"],
)  # fmt: skip
def test_a_disk_that_is_full_is_wrong(monkeypatch, free, level):
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(surroundings.shutil, "disk_usage", lambda _folder: usage)
    assert said(surroundings._disk())["disk"][0] == level


def test_covers_that_cannot_be_written_are_named(settings, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert said(surroundings._disk())["covers"][0] == "note"


def test_all_that_is_looked_at_has_advice(settings, tmp_path):
    settings.BACKUPS = tmp_path
    checks = {
        finding.check
        for look in (surroundings._dns, surroundings._disk, surroundings._backups)
        for finding in look()
    }
    assert checks <= set(ADVICE)

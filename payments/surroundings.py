"""Checks of the machine and network around the shop, for `manage.py doctor`: DNS, TLS, clock, disk, backups.

What costs sales or money is wrong; what only costs comfort, or may be so on purpose, is a note.
"""

import ipaddress
import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from payments.node.checks import NOTE, OK, UNKNOWN, WRONG, Finding
from ticketsuma import clock
from ticketsuma.time_limits import missing_limits

SECONDS = 5.0
CERTIFICATE_ENDS_SOON_DAYS = 14
DISK_FULL_BYTES, DISK_LOW_BYTES = 200 * 2**20, 2**30
BACKUP_EVERY, LOG_EVERY = timedelta(hours=26), timedelta(minutes=15)


def look_around() -> Iterator[Finding]:
    """Every check below, in this order. Asks DNS, our own address, the database and the disk."""
    for check in (_dns, _tls, _mail_dns, _database, _disk, _backups):
        yield from check()


# -- our address ------------------------------------------------------------------------------
def _dns() -> Iterator[Finding]:
    host = urlsplit(settings.SITE_URL).hostname or ""
    try:
        found = {row[4][0] for row in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except OSError:
        yield Finding("dns", WRONG, f"DNS knows no address of {host}.")
        return
    hidden = sorted(str(address) for address in found if not ipaddress.ip_address(address).is_global)
    if hidden and not settings.ALLOW_TEST_NETWORK:
        yield Finding(
            "dns", NOTE, f"Seen from here, {host} is {', '.join(hidden)}: nobody outside gets there."
        )
    else:
        yield Finding("dns", OK, f"{host} is {', '.join(sorted(map(str, found)))}.")


def _tls() -> Iterator[Finding]:
    url = urlsplit(settings.SITE_URL)
    if url.scheme != "https":
        return  # for trials: the settings refuse it elsewhere
    host, port = url.hostname or "", url.port or 443
    context = ssl.create_default_context()
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secure:
                certificate = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield Finding("tls", WRONG, f"Wallets will not trust the certificate: {error.verify_message}.")
        return
    except OSError as error:
        yield Finding("tls", UNKNOWN, f"{host}:{port} does not speak TLS with us ({type(error).__name__}).")
        return
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (ends - timezone.now()).days
    level = WRONG if days < CERTIFICATE_ENDS_SOON_DAYS else OK
    yield Finding("tls", level, f"The certificate of {host} is good for {days} days.")


# -- mail -------------------------------------------------------------------------------------
def _mail_dns() -> Iterator[Finding]:
    """SPF, DKIM and DMARC of the sender's domain: without them mail providers file tickets as spam."""
    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        return
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    resolver = dns.resolver.get_default_resolver()
    above = domain.partition(".")[2]  # DMARC of tickets.example.com may stand with example.com
    yield _record(resolver, "spf", "v=spf1", domain)
    yield _record(resolver, "dmarc", "v=DMARC1", f"_dmarc.{domain}", f"_dmarc.{above}")
    if not settings.DKIM_SELECTOR:
        yield Finding(
            "dkim", NOTE, "DKIM_SELECTOR is not set, so the key that mails are signed by is not looked up."
        )
        return
    yield _record(resolver, "dkim", "p=", f"{settings.DKIM_SELECTOR}._domainkey.{domain}")


def _record(resolver: dns.resolver.Resolver, check: str, mark: str, *names: str) -> Finding:
    """Whether a text record of one of `names` holds `mark`; DNS without an answer is a note as well."""
    for name in names:
        try:
            rows = resolver.resolve(name, "TXT", lifetime=SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            continue
        except dns.exception.DNSException as error:
            return Finding(check, NOTE, f"DNS cannot be asked for {name} ({type(error).__name__}).")
        if any(mark in b"".join(row.strings).decode("latin-1") for row in rows):
            return Finding(check, OK, f"{name} has a record for {check.upper()}.")
    return Finding(check, NOTE, f"{names[0]} has no record for {check.upper()}: mails may be filed as spam.")


# -- database and machine ---------------------------------------------------------------------
def _database() -> Iterator[Finding]:
    if connection.vendor != "postgresql":
        yield Finding("database", OK, "SQLite, for one machine and a small shop.")
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp(), current_setting('max_connections')::int")
            its_time, connections = cursor.fetchone()
        apart = abs(timezone.now() - its_time)
        missing = missing_limits()
    except DatabaseError as error:
        yield Finding("database", UNKNOWN, f"The database does not answer ({type(error).__name__}).")
        return
    level = WRONG if apart > clock.MACHINES_DIFFER else OK
    yield Finding(
        "clock", level, f"This machine's clock and the database's are {apart.total_seconds():.1f} s apart."
    )
    if missing:
        yield Finding("limits", WRONG, f"A stuck session can hold a sale: {', '.join(missing)} not set.")
    else:
        yield Finding("limits", OK, "The database's time limits are in force.")
    pool = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    wanted = pool * (int(os.environ.get("WEB_WORKERS", "2")) + 1)
    says = f"The database takes {connections} connections; one web server and one worker may want {wanted}."
    yield Finding("connections", OK if connections > wanted else NOTE, says)


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(settings.VAR_DIR).free
    level = WRONG if free < DISK_FULL_BYTES else NOTE if free < DISK_LOW_BYTES else OK
    yield Finding("disk", level, f"{free // 2**20:,} MiB are free where files are kept.")
    place = next(folder for folder in (settings.MEDIA_ROOT, *settings.MEDIA_ROOT.parents) if folder.exists())
    if not os.access(place, os.W_OK):
        yield Finding("covers", NOTE, f"{place} cannot be written: staff cannot upload covers.")


def _backups() -> Iterator[Finding]:
    """How old the newest backup of deploy/backup is, and the newest part of the write-ahead log."""
    if settings.BACKUPS is None:
        level = OK if settings.ALLOW_TEST_NETWORK else NOTE
        yield Finding("backups", level, "BACKUPS names no folder, so nobody looks how old backups are.")
        return
    try:
        made = [moment for folder in settings.BACKUPS.iterdir() if (moment := _made_at(folder))]
        log = [file.stat().st_mtime for file in (settings.BACKUPS / "wal").glob("*")]
    except OSError as error:
        yield Finding("backups", UNKNOWN, f"The backups cannot be seen ({type(error).__name__}).")
        return
    yield _age("backups", "backup", max(made, default=None), BACKUP_EVERY)
    if connection.vendor == "postgresql":
        newest = datetime.fromtimestamp(max(log), UTC) if log else None
        yield _age("write-ahead log", "part of the write-ahead log that was kept", newest, LOG_EVERY)


def _made_at(folder: Path) -> datetime | None:
    """When backup.sh began a whole backup; its name says it. None for anything else."""
    try:
        return datetime.strptime(folder.name, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _age(check: str, what: str, moment: datetime | None, most: timedelta) -> Finding:
    if moment is None:
        return Finding(check, WRONG, f"There is no {what}.")
    age = timezone.now() - moment
    return Finding(
        check, OK if age < most else WRONG, f"The newest {what} is {age.total_seconds() / 3600:.1f} h old."
    )

"""Requests to hosts named by strangers: which, how long and how much (SSRF, drips, bombs)."""

import gzip
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import transaction

from payments.tests.wallet import Wallet, drip, hang, send
from payments.uma import safe_http as fetching
from payments.uma.public_addresses import is_public
from payments.uma.safe_http import Answer, VaspForbidden, VaspUnreachable, fetch

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "0.0.0.0", "198.18.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "193.0.14.129", "2606:4700:4700::1111"])
def test_a_public_address_is_public(address):
    assert is_public(address)


# -- whom we talk to --------------------------------------------------------------------------
@pytest.fixture
def canary():
    """A server on this machine that nobody allowed; it must never be asked anything."""
    canary = Wallet()
    yield canary
    canary.close()
    assert canary.asked == []


FORBIDDEN = [
    "http://localhost:{port}/", "https://localhost:{port}/", "http://127.0.0.1:{port}/", "https://localhost/",
    "http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://0177.0.0.1:{port}/",
    "http://0:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "https://127.0.0.1/",
    "https://[::1]/", "http://wallet.example:{port}/", "http://wallet.example/", "https://wallet.example:{port}/",
    "https://wallet.example:22/", "https://wallet.example:0/", "https://wallet.example:99999/",
    "https://good.example@localhost:{port}/", "http://{allowed}@localhost:{port}/",
    "http://localhost:{port}#@{allowed}/", "http://{allowed}#@localhost:{port}/",
    "https://metadata.google.internal/", "https://printer.local/", "https://nas.lan/", "https://x.onion/",
    "https://intranet/", "https://wallet.example./", "file:///etc/passwd", "gopher://wallet.example/",
    "//wallet.example/", "", "https://", "https:///x", "https://[/", "http://{allowed}.evil.example/",
    "https://wallet.example/\r\nHost: localhost", "https://wallet.example/\x00", "https://wällét.example/",
    "https://wallet.example/ x", "https://wallet.example/#x", "https://wallet.example/" + "x" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("url", FORBIDDEN)
def test_no_name_trick_reaches_this_machine(wallet, canary, url):
    port = canary.domain.rpartition(":")[2]
    with pytest.raises(VaspForbidden):
        fetch(url.format(port=port, allowed=wallet.domain))
    assert wallet.asked == []


def test_only_the_listed_host_and_port_is_reached_plainly(wallet, canary):
    wallet.routes["/x"] = {"hello": "there"}
    answer = fetch(f"http://{wallet.domain}/x?y=1")
    assert (answer.status, answer.json()) == (200, {"hello": "there"})
    assert wallet.asked == ["/x?y=1"]
    with pytest.raises(VaspForbidden):
        fetch(f"http://{wallet.domain.replace('localhost', '127.0.0.1')}/x")


@pytest.fixture
def internet(monkeypatch, tmp_path):
    """A resolver and a network of our own: `names` says where hosts are; port 443 of a public address
    leads to our TLS server, anything else to nobody. `connected` lists where we were going.
    """
    network = Internet(tmp_path)
    monkeypatch.setattr(socket, "getaddrinfo", network.resolve)
    monkeypatch.setattr(socket, "create_connection", network.connect)
    monkeypatch.setenv("SSL_CERT_FILE", str(network.authority))
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    fetching._tls.cache_clear()
    yield network
    fetching._tls.cache_clear()
    network.listener.close()


class Internet:
    def __init__(self, folder):
        self.names: dict[str, list[str]] = {}
        self.connected: list[tuple[str, int]] = []
        self.asked_for: list[str] = []
        self.authority = folder / "server.pem"
        self.authority.write_bytes(self_signed("wallet.example"))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.authority)
        self.context.sni_callback = lambda sock, name, context: self.asked_for.append(name)
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def resolve(self, host, port, *args, **kwargs):
        if host not in self.names:
            raise socket.gaierror("no such host")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in self.names[host]]

    def connect(self, address, timeout=None):
        self.connected.append(address)
        sock = socket.socket()
        sock.settimeout(timeout)
        sock.connect(self.listener.getsockname())
        return sock

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(sock, server_side=True) as tls:
                    self.asked_for.append(tls.recv(4096).decode())
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            except OSError:
                sock.close()


def self_signed(host: str, days: int = 1) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def test_a_public_https_server_is_asked_at_its_checked_address_under_its_name(internet):
    internet.names["wallet.example"] = ["8.8.4.4"]
    assert fetch("https://wallet.example/x", payload={"a": 1}) == Answer(200, b"{}")
    assert internet.connected == [("8.8.4.4", 443)]
    name, request = internet.asked_for
    assert name == "wallet.example"
    assert request.startswith("POST /x HTTP/1.1\r\nHost: wallet.example\r\n")
    assert request.endswith('{"a": 1}')


def test_a_certificate_of_another_host_is_refused(internet):
    internet.names["other.example"] = ["8.8.4.4"]
    with pytest.raises(VaspUnreachable):
        fetch("https://other.example/x")
    assert internet.asked_for == ["other.example"]


def test_a_certificate_of_an_unknown_authority_is_refused(internet, monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(self_signed("wallet.example"))
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    fetching._tls.cache_clear()
    internet.names["wallet.example"] = ["8.8.4.4"]
    with pytest.raises(VaspUnreachable):
        fetch("https://wallet.example/x")
    assert internet.asked_for == ["wallet.example"]


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:10.0.0.1"], []])
def test_a_public_name_with_any_private_address_is_not_connected_to(internet, addresses):
    internet.names["wallet.example"] = addresses
    with pytest.raises(VaspUnreachable):
        fetch("https://wallet.example/x")
    assert internet.connected == []


def test_a_name_that_changes_its_address_is_met_at_the_checked_one(internet):
    """DNS rebinding: the name is asked once, and what was checked is what is connected to."""
    answers = iter([["8.8.4.4"], ["127.0.0.1"]])

    class Rebinding(dict):
        def __contains__(self, host):
            return True

        def __getitem__(self, host):
            return next(answers)

    internet.names = Rebinding()
    assert fetch("https://wallet.example/x").status == 200
    assert internet.connected == [("8.8.4.4", 443)]


# -- how long and how much --------------------------------------------------------------------
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(wallet, canary, status):
    where = f"http://{canary.domain}/secret"
    wallet.routes["/x"] = lambda handler: send(handler, status, b"", Location=where)
    assert fetch(f"http://{wallet.domain}/x").status == status


@pytest.mark.parametrize("behavior", [drip, hang], ids=["drip", "hang"])
def test_five_seconds_are_all_a_server_gets(wallet, behavior):
    wallet.routes["/x"] = behavior
    started = time.monotonic()
    with pytest.raises(VaspUnreachable):
        fetch(f"http://{wallet.domain}/x")
    assert 4.5 < time.monotonic() - started < 7


def _huge(handler) -> None:
    send(handler, 200, b"x" * (fetching.MAX_BODY_BYTES + 1))


def _endless_headers(handler) -> None:
    handler.send_response(200)
    handler.flush_headers()
    try:
        while True:
            handler.wfile.write(b"X: " + b"y" * 1000 + b"\r\n")
    except OSError:
        handler.close_connection = True


def _bomb(handler) -> None:
    send(handler, 200, gzip.compress(b"\0" * 10_000_000), Content_Encoding="gzip")


@pytest.mark.parametrize("behavior", [_huge, _endless_headers, _bomb], ids=["huge", "headers", "bomb"])
def test_too_much_is_no_answer(wallet, behavior):
    wallet.routes["/x"] = behavior
    with pytest.raises(VaspUnreachable):
        fetch(f"http://{wallet.domain}/x")


def test_64_kb_are_an_answer(wallet):
    wallet.routes["/x"] = lambda handler: send(handler, 200, b"x" * fetching.MAX_BODY_BYTES)
    assert len(fetch(f"http://{wallet.domain}/x").body) == fetching.MAX_BODY_BYTES


def test_a_closed_port_is_no_answer(settings):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"localhost:{listener.getsockname()[1]}"
    settings.UMA_LOCAL_VASPS |= {closed}
    with pytest.raises(VaspUnreachable):
        fetch(f"http://{closed}/")


def test_one_server_is_asked_at_most_two_questions_at_once(wallet):
    together, most, lock = [0], [0], threading.Lock()

    def count(handler) -> None:
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        time.sleep(0.1)
        with lock:
            together[0] -= 1
        send(handler, 200, b"{}")

    wallet.routes["/x"] = count
    threads = [threading.Thread(target=fetch, args=(f"http://{wallet.domain}/x",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(wallet.asked) == 8
    assert most == [2]
    assert fetching._hosts == {}


def test_nobody_is_asked_inside_a_transaction(transactional_db, wallet):
    with transaction.atomic(), pytest.raises(RuntimeError):
        fetch(f"http://{wallet.domain}/x")
    assert wallet.asked == []

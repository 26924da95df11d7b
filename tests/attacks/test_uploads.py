"""C19: bodies of any size, and files where none are taken: refused before any of it is kept."""

import contextlib
from pathlib import Path

from tests.attacks.attacker import assert_no_insides, assert_problem, cases

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
END = b"--b--\r\n"
LIMIT = 256 * 1024
PAGES = ("/find", "/paid", "/accounts/login/", "/accounts/signup/", "/nothing-here", "/admin/", "/")


def part(name: bytes, value: bytes, more: bytes = b"") -> bytes:
    return PART % (name, more, value)


@cases("path", [("C19", path, path) for path in PAGES])
def test_a_body_that_announces_more_than_is_taken(someone, path):
    """Only the head is sent: the answer comes before any of the body would have been read."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n"
    said = someone.raw(f"{head}Content-Length: {LIMIT + 1}\r\n\r\n".encode(), "POST")
    assert said.status == 413
    assert_no_insides(said)


@cases(
    "path",
    [
        ("C19", "the API", "/api/tickets/purchase"),
        ("C19", "webhooks", "/api/webhooks/payment"),
        ("C19", "nothing there", "/api/nothing-here"),
    ],
)
def test_a_body_that_is_too_long_for_the_api(someone, path):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    said = someone.raw(f"{head}Content-Length: {LIMIT + 1}\r\n\r\n".encode(), "POST")
    assert_problem(said, 413, "too_large")


def test_a_body_without_a_length_for_a_page(someone):
    head = b"POST /find HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert someone.raw(head, "POST").status == 411


@cases(
    "path",
    [("C19", path, path) for path in ("/find", "/accounts/login/", "/admin/", "/admin/events/event/add/")],
)
def test_a_file_where_none_is_taken(shop, someone, path):
    """As many as one likes, in a form with its token and by somebody signed in: refused by its first byte."""
    browser = someone.browser()
    browser.open("/find")
    token = next(cookie.value for cookie in browser.cookies if cookie.name.endswith("csrftoken"))
    body = (
        part(b"csrfmiddlewaretoken", token.encode()) + part(b"x", b"y" * 200_000, b'; filename="a.png"') + END
    )
    said = browser.post(
        browser.url + path, data=body, headers={"Content-Type": MULTIPART}, allow_redirects=False
    )
    assert said.status_code == 400
    assert_no_insides(said)


def test_a_gigabyte_is_written_nowhere(shop, someone):
    """Somebody sends and sends: no process of the shop opens a file for it."""
    web = shop.stack.web.pid
    pids = Path(f"/proc/{web}/task/{web}/children").read_text().split()
    head = f"POST /find HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MULTIPART}\r\n"
    with someone.connect() as sock, contextlib.suppress(OSError):
        sock.sendall(f"{head}Content-Length: {2**30}\r\n\r\n".encode())
        sock.sendall(PART[:-6] % (b"x", b'; filename="a.png"'))
        for _megabyte in range(32):
            sock.sendall(b"y" * 2**20)
            assert [file for pid in pids for file in open_files(pid) if ".upload" in file] == []


def open_files(pid: str) -> list[str]:
    found = []
    for number in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(number.readlink()))
    return found

"""Demo: a live stream that never ends, and the shop's mails."""

import re
import time
from email.message import EmailMessage

import requests

from conftest import until
from demo.stream import PIECES, SECONDS, STARTED, playlist


def numbers(text: str) -> list[str]:
    return re.findall(r"part(\d)\.ts", text)


def test_the_live_list_moves_on_and_marks_where_the_loop_begins():
    begin = STARTED + 100 * PIECES * SECONDS + 0.5
    lists = [playlist(begin + SECONDS * step) for step in range(4)]
    assert [numbers(one)[-1] for one in lists] == ["0", "1", "2", "0"]
    sequences = [int(re.search(r"MEDIA-SEQUENCE:(\d+)", one)[1]) for one in lists]
    assert sequences == list(range(sequences[0], sequences[0] + 4))
    for one in lists:
        assert one.count("#EXT-X-DISCONTINUITY\n") == numbers(one).count("0")
        assert "ENDLIST" not in one


def test_any_page_may_play_it(sandbox):
    listed = requests.get(f"{sandbox.url}/stream/live.m3u8", timeout=5)
    assert listed.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    for number in set(numbers(listed.text)):
        piece = requests.get(f"{sandbox.url}/stream/part{number}.ts", timeout=5)
        assert (piece.headers["Access-Control-Allow-Origin"], piece.content[0]) == ("*", 0x47)
    assert requests.get(f"{sandbox.url}/stream/part9.ts", timeout=5).status_code == 404


def write_mail(sandbox, name: str, *subjects: str) -> None:
    """As Django's file backend writes one connection's mails."""
    text = b""
    for subject in subjects:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = subject, "shop@example.com", "ann@example.com"
        mail["Date"] = "Thu, 26 Nov 2026 10:00:00 -0000"
        mail.set_content("Read https://shop.example/tickets/1")
        mail.add_alternative('<p class="hi">Grüße <script>steal()</script></p>', subtype="html")
        mail.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="event.ics")
        text += mail.as_bytes() + b"\n" + b"-" * 79 + b"\n"
    (sandbox.mails / name).write_bytes(text)


def test_mails_are_listed_newest_first_and_shown_without_running_anything(sandbox):
    write_mail(sandbox, "1.log", "First")
    time.sleep(0.02)  # file times are the order
    write_mail(sandbox, "2.log", "Second", "Third <b>")
    page = until(lambda: requests.get(f"{sandbox.url}/mails", timeout=5).text)
    assert re.findall(r'mails/([\w-]+)">', page) == ["2-1", "2-0", "1-0"]
    assert "Third &lt;b&gt;" in page
    shown = requests.get(f"{sandbox.url}/mails/2-0", timeout=5).text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "&lt;script&gt;" in shown
    assert "<script>steal" not in shown
    assert '<a href="https://shop.example/tickets/1"' in shown
    assert "event.ics" in shown
    for unknown in ("9-0", "..%2f..%2fsettings-0", "2-7"):
        assert requests.get(f"{sandbox.url}/mails/{unknown}", timeout=5).status_code == 404

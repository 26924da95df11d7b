"""C: malformed bodies. JSON, numbers, texts, times; also B08, D02 and D13, texts of staff."""

import gzip
import time

import pytest

from tests.attacks.attacker import Answer, assert_problem, cases

BUY = "/api/tickets/purchase"
JSON = {"Content_Type": "application/json"}
KEYS_10000 = b"{" + b",".join(b'"k%d":1' % number for number in range(10_000)) + b"}"
GZIPPED = gzip.compress(b'{"name": "' + b"a" * 10_000_000 + b'"}')


def deep(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * levels + b"1" + closing * levels


# -- bodies -----------------------------------------------------------------------------------------
@cases(
    "body status code",
    [
        ("C01", "100,000 lists", deep(100_000), 400, "malformed_json"),
        ("C01", "100,000 lists never closed", b"[" * 100_000, 400, "malformed_json"),
        ("C01", "30,000 objects", deep(30_000, b'{"a":', b"}"), 400, "malformed_json"),
        ("C01", "21 levels", b'{"a":' + deep(20) + b"}", 400, "malformed_json"),
        ("C02", "NaN", b'{"event_id": NaN}', 400, "malformed_json"),
        ("C02", "Infinity", b'{"event_id": Infinity}', 400, "malformed_json"),
        ("C02", "-Infinity", b'{"event_id": -Infinity}', 400, "malformed_json"),
        ("C02", "1e400", b'{"event_id": 1e400}', 400, "malformed_json"),
        ("C02", "a number of 5,000 digits", b'{"event_id": ' + b"9" * 5000 + b"}", 400, "malformed_json"),
        ("C03", "10 MB of text", b'{"name": "' + b"a" * 10_000_000 + b'"}', 413, "too_large"),
        ("C03", "a key of 10 MB", b'{"' + b"a" * 10_000_000 + b'": 1}', 413, "too_large"),
        ("C03", "10 MB of spaces", b" " * 10_000_000 + b"{}", 413, "too_large"),
        ("C03", "a key of 200 KB", b'{"' + b"a" * 200_000 + b'": 1}', 400, "invalid"),
        ("C03", "10,000 keys", KEYS_10000, 400, "invalid"),
        ("C04", "not UTF-8", b'{"name": "\xff\xfe"}', 400, "malformed_json"),
        ("C04", "overlong UTF-8", b'{"name": "\xc0\xaf"}', 400, "malformed_json"),
        ("C04", "UTF-16", '{"name": "x"}'.encode("utf-16"), 400, "malformed_json"),
        ("C04", "UTF-32", '{"name": "x"}'.encode("utf-32"), 400, "malformed_json"),
        ("C04", "a byte order mark", b"\xef\xbb\xbf{}", 400, "malformed_json"),
        ("C06", "a list", b"[]", 400, "invalid"),
        ("C06", "a text", b'"x"', 400, "invalid"),
        ("C06", "null", b"null", 400, "invalid"),
        ("C06", "a number", b"1", 400, "invalid"),
        ("C06", "nothing", b"", 400, "invalid"),
        ("C06", "half an object", b'{"event_id": 1', 400, "malformed_json"),
        ("C06", "two objects", b"{}{}", 400, "malformed_json"),
        ("C06", "a comment", b'{"event_id": 1 /* x */}', 400, "malformed_json"),
        ("C06", "a comma too many", b'{"event_id": 1,}', 400, "malformed_json"),
        ("C06", "single quotes", b"{'event_id': 1}", 400, "malformed_json"),
        ("C06", "full-width digits", '{"event_id": １}'.encode(), 400, "malformed_json"),
        ("C06", "a form's body", b"event_id=1&quantity=1", 400, "malformed_json"),
        ("C07", "the same key twice", b'{"quantity": 1, "quantity": 9}', 400, "malformed_json"),
        ("C07", "the same key, once escaped", b'{"name": "a", "n\\u0061me": "b"}', 400, "malformed_json"),
        ("C07", "the same key twice, deep inside", b'{"user_id": {"a": 1, "a": 2}}', 400, "malformed_json"),
        ("C08", "NUL in a text", b'{"name": "\\u0000"}', 400, "malformed_json"),
        ("C08", "NUL in a key", b'{"a\\u0000": 1}', 400, "malformed_json"),
        ("C08", "NUL as a byte", b'{"name": "\x00"}', 400, "malformed_json"),
        ("C09", "half a surrogate pair", b'{"name": "\\ud800"}', 400, "malformed_json"),
        ("C09", "surrogates the wrong way round", b'{"name": "\\udc00\\ud800"}', 400, "malformed_json"),
        ("C09", "half a pair in a key", b'{"\\udfff": 1}', 400, "malformed_json"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [BUY, "/api/users/login"], ids=["buying", "signing in"])
def test_a_body_nobody_should_send(someone, path, body, status, code):
    assert_problem(send_large(someone, path, body), status, code)


def send_large(someone, path: str, body: bytes, **headers) -> Answer:
    """The answer, also when it comes before the body was read and the connection is gone."""
    started = time.monotonic()
    try:
        answer = someone.post(path, body, **headers)
    except (BrokenPipeError, ConnectionResetError):  # told before it was through: ask by the head alone
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        answer = someone.raw(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
    assert time.monotonic() - started < 10
    return answer


@cases(
    "kind more status",
    [
        ("C04", "charset=utf-16", "application/json; charset=utf-16", {}, 415),
        ("C04", "charset=bogus", "application/json; charset=bogus", {}, 415),
        ("C04", "charset=utf-7", "application/json; charset=utf-7", {}, 415),
        ("C05", "text/plain", "text/plain", {}, 415),
        ("C05", "a form", "application/x-www-form-urlencoded", {}, 415),
        ("C05", "multipart", "multipart/form-data; boundary=x", {}, 415),
        ("C05", "XML", "application/xml", {}, 415),
        ("C05", "YAML", "application/yaml", {}, 415),
        ("C05", "no type", None, {}, 415),
        ("C05", "nonsense for a type", ";;;", {}, 415),
        ("C18", "gzip", "application/json", {"Content_Encoding": "gzip"}, 415),
        ("C18", "br", "application/json", {"Content_Encoding": "br"}, 415),
        ("C18", "gzip twice", "application/json", {"Content_Encoding": "gzip, gzip"}, 415),
    ],
)  # fmt: skip
def test_a_body_of_another_kind(someone, kind, more, status):
    headers = {"Content_Type": kind} | more
    if kind is None:
        head = b"POST /api/tickets/purchase HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        answer = someone.raw(head + b"Content-Length: 2\r\n\r\n{}")
    else:
        answer = someone.post(BUY, GZIPPED if "Content_Encoding" in more else b"{}", **headers)
    assert_problem(answer, status, "unsupported_media_type")


# -- numbers and texts ------------------------------------------------------------------------------
NUMBERS = [
    ("true", True), ("a text", "1"), ("1.0", 1.0), ("1.5", 1.5), ("0", 0), ("-1", -1), ("null", None),
    ("a list", [1]), ("an object", {"a": 1}), ("2^63", 2**63), ("10^30", 10**30), ("1e3", 1e3),
    ("full-width digits", "１２"), ("Arabic digits", "١"), ("a space before", " 1"),
]  # fmt: skip


@cases("value", [("C10" if number else "C06", what, number) for what, number in NUMBERS])
@pytest.mark.parametrize("name", ["quantity", "event_id"])
def test_a_number_that_is_none(shop, someone, name, value):
    body = {"event_id": shop.free, "email": "c10@example.com", name: value}
    answer = someone.post(BUY, body)
    assert_problem(answer, 400, "invalid")
    assert list(answer.fields) == [name]


@cases(
    "quantity status code",
    [
        ("C10", "11 seats", 11, 400, "quantity_not_allowed"),
        ("C10", "50 seats", 50, 400, "quantity_not_allowed"),
        ("C10", "51 seats", 51, 400, "invalid"),
        ("C10", "2^31", 2**31, 400, "invalid"),
        ("C10", "2^40", 2**40, 400, "invalid"),
    ],
)  # fmt: skip
def test_more_seats_than_one_may_have(shop, someone, quantity, status, code):
    body = {"event_id": shop.free, "email": "c10@example.com", "quantity": quantity}
    assert_problem(someone.post(BUY, body), status, code)


@cases(
    "name status kept",
    [
        ("C09", "emoji", "Zoë 🎟️", 201, "Zoë 🎟️"),
        ("C09", "a zero-width joiner", "👩\u200d💻", 201, "👩\u200d💻"),
        ("C09", "right-to-left override", "moc\u202eelgoog", 201, "mocelgoog"),
        ("C09", "a link behind an override", "moc.\u202eelgoog", 400, None),
        ("C09", "a link", "Win at evil.example", 400, None),
        ("C09", "isolates and marks", "\u2066a\u2069\u200fb\u061c", 201, "ab"),
        ("C09", "combining marks", "e" + "\u0301" * 100, 201, "e" + "\u0301" * 100),
        ("C09", "combining marks by the thousand", "e" + "\u0301" * 10_000, 400, None),
        ("C09", "a line end", "a\nb", 400, None),
        ("C09", "an escape", "a\x1b[31mb", 400, None),
        ("C09", "a bell", "\x07", 400, None),
        ("C09", "a C1 control", "a\x85b", 400, None),
        ("C09", "HTML", "<b>x</b>", 201, "<b>x</b>"),
        ("C06", "a number", 5, 400, None),
        ("C06", "an object", {}, 400, None),
        ("C06", "null", None, 400, None),
    ],
)  # fmt: skip
def test_a_name_as_people_and_others_write_it(shop, someone, name, status, kept):
    body = {"event_id": shop.free, "email": f"{someone.address}@example.com", "name": name}
    answer = someone.post(BUY, body)
    if kept is None:
        assert_problem(answer, status, "invalid")
    else:
        assert (answer.status, answer.json()["order"]["name"]) == (status, kept)


# -- events, written by staff -----------------------------------------------------------------------
EVENT = {
    "title": "C", "start_time": "2030-01-01T10:00:00Z", "end_time": "2030-01-01T12:00:00Z", "capacity": 5,
    "price_sats": 0, "is_active": False,
}  # fmt: skip
LONG_AGO = {"start_time": "2020-01-01T10:00:00Z", "end_time": "2020-01-02T10:00:00Z"}


@cases(
    "changes field",
    [
        ("C11", "a negative price", {"price_sats": -1}, "price_sats"),
        ("C11", "half a sat", {"price_sats": 0.5}, "price_sats"),
        ("C11", "1e-9", {"price_sats": 1e-9}, "price_sats"),
        ("C11", "more than there ever will be", {"price_sats": 2_100_000_000_000_001}, "price_sats"),
        ("C11", "2^63", {"price_sats": 2**63}, "price_sats"),
        ("C11", "1,000", {"price_sats": "1,000"}, "price_sats"),
        ("C11", "a text", {"price_sats": "1000"}, "price_sats"),
        ("C15", "the 30th of February", {"start_time": "2030-02-30T10:00:00Z"}, "start_time"),
        ("C15", "the year 0", {"start_time": "0000-01-01T10:00:00Z"}, "start_time"),
        ("C15", "the year 10000", {"end_time": "10000-01-01T10:00:00Z"}, "end_time"),
        ("C15", "before the year 1, in UTC", {"start_time": "0001-01-01T00:00:00+14:00"}, "start_time"),
        ("C15", "after the year 9999, in UTC", {"end_time": "9999-12-31T23:59:59-14:00"}, "end_time"),
        ("C15", "no offset, in a gap", {"start_time": "2026-03-29T02:30:00"}, "start_time"),
        ("C15", "no offset, in a fold", {"start_time": "2026-10-25T02:30:00"}, "start_time"),
        ("C15", "an offset of a day", {"start_time": "2030-01-01T10:00:00+24:00"}, "start_time"),
        ("C15", "hour 25", {"start_time": "2030-01-01T25:00:00Z"}, "start_time"),
        ("C15", "a leap second", {"start_time": "2030-06-30T23:59:60Z"}, "start_time"),
        ("C15", "a number", {"start_time": 1_900_000_000}, "start_time"),
        ("C15", "a date", {"start_time": "2030-01-01"}, "start_time"),
        ("C15", "full-width digits", {"start_time": "２０３０-01-01T10:00:00Z"}, "start_time"),
        ("C15", "the end before the start", {"end_time": "2030-01-01T09:00:00Z"}, "end_time"),
        ("C15", "the end at the start", {"end_time": "2030-01-01T10:00:00Z"}, "end_time"),
        ("C15", "over already", LONG_AGO, "end_time"),
        ("C15", "a zone that is none", {"timezone": "Mars/Phobos"}, "timezone"),
        ("C15", "a zone that is a file", {"timezone": "../../../etc/passwd"}, "timezone"),
        ("C10", "no seats", {"capacity": 0}, "capacity"),
        ("C10", "2^40 seats", {"capacity": 2**40}, "capacity"),
        ("C10", "true seats", {"capacity": True}, "capacity"),
        ("D02", "a stream by javascript:", {"stream_url": "javascript:alert(1)"}, "stream_url"),
        ("D02", "a stream by data:", {"stream_url": "data:text/html,<b>x</b>"}, "stream_url"),
        ("D02", "a stream by ftp:", {"stream_url": "ftp://stream.example.com/x"}, "stream_url"),
        ("D02", "a stream by http:", {"stream_url": "http://stream.example.com/x"}, "stream_url"),
        ("D02", "a stream with a password", {"stream_url": "https://u:p@stream.example.com/"}, "stream_url"),
        ("D02", "a stream of 10,000 letters", {"stream_url": "https://s.de/" + "a" * 10_000}, "stream_url"),
        ("D02", "a stream with a line end", {"stream_url": "https://s.example.com/\r\nX: y"}, "stream_url"),
        ("D13", "a title of two lines", {"title": "Open night\r\nBcc: all@example.com"}, "title"),
        ("D13", "an address of two lines", {"contact_email": "a@b.de\nBcc: c@d.de"}, "contact_email"),
        ("B08", "seats_taken", {"seats_taken": -100}, "seats_taken"),
        ("B08", "slug", {"slug": "mine"}, "slug"),
        ("B08", "canceled_at", {"canceled_at": None}, "canceled_at"),
        ("B08", "id", {"id": 1}, "id"),
    ],
)  # fmt: skip
def test_an_event_that_makes_no_sense(shop, someone, changes, field):
    answer = someone.post("/api/events", EVENT | changes, token=shop.staff.token)
    assert_problem(answer, 400, "invalid")
    assert list(answer.fields) == [field]


def test_an_event_that_makes_sense(shop, someone):
    """C15: an offset is taken as it is, Z and +14:00 alike."""
    body = EVENT | {"start_time": "2030-01-02T00:00:00+14:00"}
    answer = someone.post("/api/events", body, token=shop.staff.token)
    assert (answer.status, answer.json()["start_time"]) == (201, "2030-01-01T10:00:00Z")

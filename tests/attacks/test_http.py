"""C: malformed addresses, headers and HTTP; idempotency keys."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from tests.attacks.attacker import assert_no_insides, assert_problem, cases

BUY = "/api/tickets/purchase"


# -- addresses --------------------------------------------------------------------------------------
@cases(
    "path status",
    [
        ("C08", "NUL in an id", "/api/events/%00", 400),
        ("C08", "NUL in a slug", "/events/a%00b", 400),
        ("C08", "NUL in a token", "/orders/%00", 400),
        ("C08", "NUL in a search", "/?q=%00", 400),
        ("C08", "NUL in the API's search", "/api/events?q=%00", 400),
        ("C08", "NUL in a parameter nobody reads", "/api/events?x=%00", 400),
        ("C08", "NUL in a wallet's name", "/.well-known/lnurlp/%00", 400),
        ("C12", "10^30", f"/api/events/{10**30}", 404),
        ("C12", "2^63", f"/api/events/{2**63}", 404),
        ("C12", "10^17", f"/api/events/{10**17}", 404),
        ("C12", "3,000 digits", "/api/events/" + "9" * 3000, 404),
        ("C12", "-1", "/api/events/-1", 404),
        ("C12", "1.0", "/api/events/1.0", 404),
        ("C12", "..", "/api/events/../users/1", 404),
        ("C12", "%2e%2e", "/api/events/%2e%2e/users/1", 404),
        ("C12", "a semicolon", "/api/events/1;x=1", 404),
        ("C12", "full-width digits", "/api/events/%EF%BC%91", 404),
        ("C12", "Arabic digits", "/api/events/%D9%A1", 404),
        ("C12", "a space behind", "/api/events/1%20", 404),
        ("C12", "a line end behind", "/api/events/1%0A", 404),
        ("C12", "a page's id of 30 digits", f"/events/{10**30}", 404),
        ("C12", "a page's id in Arabic digits", "/events/%D9%A1", 404),
        ("C12", "a poster of 10^30", f"/posters/{10**30}.svg", 200),
        ("C12", "a capital UUID", "/api/orders/AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA", 404),
        ("C12", "broken UTF-8", "/events/%ff%fe", 404),
        ("C12", "half an escape", "/events/%", 404),
        ("C13", "SQL in the search", "/api/events?q=%27%20OR%201%3D1--", 200),
        ("C13", "SQL that ends a LIKE", "/api/events?q=%25%27%20ESCAPE%20%27x", 200),
        ("C13", "SQL in a page's search", "/?q=%22%29%3B%20DROP%20TABLE%20events_event%3B--", 200),
        ("C13", "SQL in the order", "/api/events?ordering=title;drop%20table%20x", 400),
        ("C13", "SQL in a slug", "/events/x'%20OR%20'1'='1", 404),
        ("C13", "SQL in a number", "/api/events?price_min=1%20OR%201=1", 400),
        ("C14", "%_ 30 times", "/api/events?q=" + "%25_" * 30, 200),
        ("C14", "%_ 300 times", "/api/events?q=" + "%25_" * 300, 400),
        ("C14", "a bad regex", "/api/events?q=%28a%2B%29%2B%24", 200),
        ("C03", "20 KB of address", "/api/events?q=" + "a" * 20_000, 414),
        ("C03", "1,600 parameters", "/api/events?a" + "&a" * 1600, 400),
        ("C03", "1,600 parameters of a page", "/?a" + "&a" * 1600, 400),
    ],
)  # fmt: skip
def test_an_address_nobody_should_ask_for(someone, path, status):
    started = time.monotonic()
    answer = someone.get(path)
    assert answer.status == status, answer.text[:300]
    assert time.monotonic() - started < 3
    assert_no_insides(answer)


@cases(
    "query",
    [
        ("C13", "pg_sleep in the search", "q=%27%20OR%20pg_sleep%285%29%20IS%20NULL--"),
        ("C13", "pg_sleep in a word", "q=%27%7C%7Cpg_sleep%285%29--"),
        ("C13", "randomblob in the search", "q=%27%20OR%20randomblob%281000000000%29--"),
        ("C14", "wildcards finding nothing", "q=" + "%25_" * 40 + "zzzz"),
    ],
)  # fmt: skip
def test_nothing_in_a_search_is_run(someone, query):
    started = time.monotonic()
    answer = someone.get(f"/api/events?{query}")
    assert (answer.status, answer.json()["count"]) == (200, 0)
    assert time.monotonic() - started < 3


def test_sql_in_a_login_is_a_wrong_password(someone):
    """C13"""
    for email in ("'--@example.com", "a'or'1'='1@example.com"):
        body = {"email": email, "password": "' OR 1=1--"}
        assert_problem(someone.post("/api/users/login", body), 401, "invalid_credentials")


# -- HTTP itself ------------------------------------------------------------------------------------
HEAD = b"POST /api/tickets/purchase HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
END = b"Connection: close\r\n\r\n"
GET_END = b" HTTP/1.1\r\nHost: localhost\r\n" + END
CHUNKED = b"Transfer-Encoding: chunked\r\n" + END


@cases(
    "request_bytes status",
    [
        ("C16", "length and chunked", HEAD + b"Content-Length: 4\r\n" + CHUNKED + b"0\r\n\r\n", 400),
        ("C16", "two lengths", HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n" + END + b"{} ", 400),
        ("C16", "a negative length", HEAD + b"Content-Length: -1\r\n" + END, 400),
        ("C16", "a length that is a word", HEAD + b"Content-Length: two\r\n" + END, 400),
        ("C16", "a length with a plus", HEAD + b"Content-Length: +2\r\n" + END + b"{}", 400),
        ("C16", "chunked", HEAD + CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", 411),
        ("C16", "a chunk of nonsense", HEAD + CHUNKED + b"xyz\r\n", 411),
        ("C16", "an unknown encoding", HEAD + b"Transfer-Encoding: cow\r\n" + END + b"{}", 501),
        ("C16", "a name with a space", HEAD + b"Content-Length : 2\r\n" + END + b"{}", 400),
        ("C16", "no HTTP", b"hello\r\n\r\n", 400),
        ("C16", "HTTP/3.7", b"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n", 400),
        ("C16", "a method in small letters", b"get / HTTP/1.1\r\nHost: localhost\r\n" + END, 400),
        ("C03", "a header of 20 KB", HEAD + b"X-A: " + b"a" * 20_000 + b"\r\n" + END, 431),
        ("C03", "200 headers", HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + END, 431),
        ("C03", "an address of 20 KB", b"GET /" + b"a" * 20_000 + GET_END, 414),
        ("C08", "NUL in a header", HEAD + b"X-A: a\x00b\r\nContent-Length: 2\r\n" + END + b"{}", 400),
    ],
)  # fmt: skip
def test_http_that_proxies_read_differently(someone, request_bytes, status):
    """The server refuses most of these before the shop sees them, in the same shape."""
    codes = {411: "length_required", 414: "uri_too_long", 431: "headers_too_large", 501: "internal_error"}
    answer = someone.raw(request_bytes)
    assert_problem(answer, status, codes.get(status, "bad_request"))
    for sent in ("hello", "cow", "xyz"):
        assert sent not in answer.text, "what was sent is not repeated"


def test_a_form_of_10000_fields(shop, visitor):
    """C03"""
    slug = visitor.open(f"/events/{shop.event}").headers["Location"]
    fields = {f"f{number}": "1" for number in range(10_000)}
    answer = visitor.submit(slug, to=f"/events/{shop.event}/buy", **fields)
    assert answer.status_code == 400
    assert_no_insides(answer)


@cases(
    "headers",
    [
        ("C08", "in the key", {"Idempotency_Key": "a%00"}),
        ("C12", "in the order's token", {"Order_Token": "%00"}),
        ("C09", "request id with a line's end", {"X_Request_ID": "abc%0d%0aSet-Cookie:x=1"}),
        ("C09", "request id of 5,000 letters", {"X_Request_ID": "a" * 5000}),
        ("C09", "languages", {"Accept_Language": "xx-" * 500 + "," * 500}),
        ("C09", "a cookie of nonsense", {"Cookie": "sessionid=\xff; csrftoken=" + "a" * 3000 + '; "=;;='}),
        ("C09", "ranges", {"Range": "bytes=0-,0-,0-,0-,0-"}),
        ("C09", "an ETag", {"If_None_Match": '"' + "," * 3000}),
        ("C09", "a date", {"If_Modified_Since": "Thu, 99 Foo 99999 99:99:99 GMT"}),
    ],
)
def test_headers_of_nonsense_break_nothing(shop, someone, headers):
    headers = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/", f"/api/events/{shop.event}", "/api/orders/00000000-0000-4000-8000-000000000000"):
        answer = someone.get(path, **headers)
        assert answer.status in (200, 304, 400, 404)
        assert "Set-Cookie" not in answer.headers or "x=1" not in answer.headers["Set-Cookie"]
        assert_no_insides(answer)


# -- Idempotency-Key --------------------------------------------------------------------------------
@cases(
    "key",
    [
        ("C17", "empty", ""),
        ("C17", "256 characters", "k" * 256),
        ("C17", "not ASCII", "schlüssel"),
        ("C17", "a control character", "a\x01b"),
    ],
)
def test_a_key_that_is_none(shop, someone, key):
    body = {"event_id": shop.free, "email": f"{someone.address}@example.com"}
    answer = someone.post(BUY, body, Idempotency_Key=key)
    if "\x01" in key:
        assert answer.status == 400
    else:
        assert_problem(answer, 400, "invalid_idempotency_key")


def test_a_key_buys_once(shop, someone):
    """C17: the same again is the same order; another body is refused; another buyer's key is their own."""
    key = str(uuid.uuid4())
    body = {"event_id": shop.event, "email": f"{someone.address}@example.com", "quantity": 2}
    first = someone.post(BUY, body, Idempotency_Key=key)
    assert (first.status, first.headers["Idempotent-Replayed"]) == (201, None)
    again = someone.post(BUY, body, Idempotency_Key=f"\t{key} ")  # HTTP takes spaces around a value away
    assert (again.status, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json()["order"]["id"] == first.json()["order"]["id"]
    other = someone.post(BUY, body | {"quantity": 3}, Idempotency_Key=key)
    assert_problem(other, 422, "idempotency_key_reused")
    theirs = someone.post(BUY, body | {"email": f"x{body['email']}"}, Idempotency_Key=key)
    assert theirs.status == 201
    assert theirs.json()["order"]["id"] != first.json()["order"]["id"]


def test_a_key_sent_in_parallel_buys_once(shop, someone):
    """C17"""
    key = str(uuid.uuid4())
    body = {"event_id": shop.event, "email": f"{someone.address}@example.com"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: someone.post(BUY, body, Idempotency_Key=key), range(8)))
    assert [answer.status for answer in answers] == [201] * 8
    assert len({answer.json()["order"]["id"] for answer in answers}) == 1
    assert [answer.headers["Idempotent-Replayed"] for answer in answers].count("true") == 7


@cases("key", [("C17", "short", "purchase-1"), ("C17", "of one character", "1" * 64)])
def test_a_key_that_is_guessed_opens_nothing(shop, key):
    """For the guest who sent it, it counts; a stranger who sends all the same buys for themselves."""
    guest, stranger = shop.attacker(), shop.attacker()
    body = {"event_id": shop.event, "email": f"{guest.address}@example.com"}
    mine, again, theirs = (who.post(BUY, body, Idempotency_Key=key) for who in (guest, guest, stranger))
    assert [answer.status for answer in (mine, again, theirs)] == [201] * 3
    assert again.json()["order"]["id"] == mine.json()["order"]["id"]
    assert theirs.json()["order"]["id"] != mine.json()["order"]["id"]


def test_a_short_key_is_fine_with_a_token(shop, someone):
    """C17: a stranger who guesses it is not its buyer."""
    body = {"event_id": shop.free}
    mine = someone.post(BUY, body, token=shop.person().token, Idempotency_Key="1")
    theirs = someone.post(BUY, body, token=shop.person().token, Idempotency_Key="1")
    assert (mine.status, theirs.status) == (201, 201)
    assert mine.json()["order"]["id"] != theirs.json()["order"]["id"]


def test_without_a_key_every_purchase_is_one_of_its_own(shop, someone):
    """C17: the key is the client's choice; limits end what a client without one repeats."""
    body = {"event_id": shop.event, "email": f"{someone.address}@example.com"}
    ids = {someone.post(BUY, body).json()["order"]["id"] for _ in range(2)}
    assert len(ids) == 2

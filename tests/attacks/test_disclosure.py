"""B: fields that answers may show, and fields that requests may not set."""

import pytest

from tests.attacks.attacker import assert_no_insides, assert_problem, cases
from tests.attacks.endpoints import admin_paths, endpoints
from tests.attacks.test_stream import SECRET, everything_about

BUY = "/api/tickets/purchase"
NEW = {"email": "b06@example.com", "password": "correct horse battery staple"}


# -- tickets ----------------------------------------------------------------------------------------
def test_status_tells_no_secret(shop, someone):
    """B03"""
    bought = shop.buy(shop.owner, event=shop.free, uma_address="")
    told = someone.get(f"/api/tickets/{bought['tickets'][0]['ticket_id']}/status")
    fields = "id ticket_id payment_status order_status event_id expires_at paid_at"
    assert set(told.json()) == set(fields.split())
    for secret in (bought["tickets"][0]["ticket_code"], shop.owner.email, bought["order"]["token"], "Owner"):
        assert secret not in told.text


def test_validate_tells_no_secret(shop, someone):
    """B03"""
    bought = shop.buy(shop.owner, event=shop.free)
    told = someone.post("/api/tickets/validate", {"ticket_code": bought["tickets"][0]["ticket_code"]})
    assert set(told.json()) == {"valid", "reason", "event", "checked_in_at"}
    for secret in (SECRET, shop.owner.email, bought["order"]["id"], bought["order"]["token"], "Owner"):
        assert secret not in told.text


def test_an_unpaid_order_has_no_codes(shop):
    """B03"""
    bought = shop.buy()
    codes = shop.stack.django(
        "list(Ticket.objects.filter(order=pk).values_list('ticket_code', flat=True))",
        pk=bought["order"]["id"],
    )
    told = everything_about(shop, shop.event, bought)
    assert [page for page, text in told.items() if codes[0] in text] == []
    assert [ticket["ticket_code"] for ticket in bought["tickets"]] == [None]


# -- what nobody may set ----------------------------------------------------------------------------
@cases(
    "path body field",
    [
        ("B06", "is_staff", "/api/users", NEW | {"is_staff": True}, "is_staff"),
        ("B06", "is_superuser", "/api/users", NEW | {"is_superuser": True}, "is_superuser"),
        ("B06", "is_admin", "/api/users", NEW | {"is_admin": True}, "is_admin"),
        ("B06", "role", "/api/users", NEW | {"role": "admin"}, "role"),
        ("B06", "email_verified", "/api/users", NEW | {"email_verified": True}, "email_verified"),
        ("B06", "token_epoch", "/api/users", NEW | {"token_epoch": 9}, "token_epoch"),
        ("B06", "id", "/api/users", NEW | {"id": 1}, "id"),
        ("B07", "price_sats", BUY, {"price_sats": 1}, "price_sats"),
        ("B07", "amount_sats", BUY, {"amount_sats": 1}, "amount_sats"),
        ("B07", "status", BUY, {"status": "paid"}, "status"),
        ("B07", "payment_status", BUY, {"payment_status": "paid"}, "payment_status"),
        ("B07", "buyer", BUY, {"buyer": 1}, "buyer"),
        ("B07", "seats_taken", BUY, {"seats_taken": 0}, "seats_taken"),
        ("B07", "paid_at", BUY, {"paid_at": "2026-01-01T00:00:00Z"}, "paid_at"),
        ("B07", "expires_at", BUY, {"expires_at": "2036-01-01T00:00:00Z"}, "expires_at"),
        ("B07", "ticket_code", BUY, {"ticket_code": "FREE"}, "ticket_code"),
        ("B07", "code", BUY, {"code": "FREE"}, "code"),
        ("B07", "__proto__", BUY, {"__proto__": {}}, "__proto__"),
        ("B06", "is_staff of oneself", "PATCH me", {"is_staff": True}, "is_staff"),
        ("B06", "email of another kind", "PATCH me", {"Email": "x@example.com"}, "Email"),
    ],
)  # fmt: skip
def test_what_nobody_may_set(shop, someone, path, body, field):
    method, path = ("PATCH", f"/api/users/{shop.owner.id}") if path == "PATCH me" else ("POST", path)
    if path == BUY:
        body = {"event_id": shop.free, "email": "b07@example.com"} | body
    answer = someone.send(method, path, body, token="" if path == "/api/users" else shop.owner.token)
    assert_problem(answer, 400, "invalid")
    assert answer.fields == {field: "unknown_field"}
    assert shop.stack.django("Order.objects.filter(email='b07@example.com').count()") == 0
    assert shop.stack.django("User.objects.filter(email='b06@example.com').count()") == 0


def test_somebody_elses_user_id_is_ignored(shop, someone):
    """B07: the one field of old that is taken, and means nothing."""
    for user_id in (shop.staff.id, "1", None, [], "' OR 1=1"):
        body = {"event_id": shop.free, "user_id": user_id}
        answer = someone.post(BUY, body, token=shop.people("ignored")[0].token)
        assert answer.status == 201
        assert answer.json()["order"]["user_id"] not in (shop.staff.id, None)


# -- lists ------------------------------------------------------------------------------------------
@cases(
    "query status",
    [
        ("B10", "expand", "expand=orders", 400),
        ("B10", "fields", "fields=stream_url,seats_taken", 400),
        ("B10", "include", "include=orders.email", 400),
        ("B10", "ordering by a secret", "ordering=stream_url", 400),
        ("B10", "ordering by a relation", "ordering=orders__email", 400),
        ("B10", "ordering by chance", "ordering=?", 400),
        ("B10", "ordering by a password", "ordering=user__password", 400),
        ("B10", "a relation", "orders__email=a@example.com", 400),
        ("B10", "a lookup on a secret", "stream_url__startswith=https", 400),
        ("B10", "hidden ones", "is_active=false", 400),
        ("B10", "q by the secret", f"q={SECRET}", 200),
        ("B11", "page_size 10^9", "page_size=1000000000", 400),
        ("B11", "page_size 1000", "page_size=1000", 200),
        ("B11", "page_size 0", "page_size=0", 400),
        ("B11", "page_size -1", "page_size=-1", 400),
        ("B11", "page_size abc", "page_size=abc", 400),
        ("B11", "page_size in full-width digits", "page_size=%EF%BC%91", 400),
        ("B11", "page 10^30", f"page={10**30}", 400),
        ("B11", "page 10^8", f"page={10**8}", 404),
        ("B11", "page -1", "page=-1", 400),
        ("B11", "page last", "page=last", 400),
        ("B11", "price_min -1", "price_min=-1", 400),
        ("B11", "price_max 10^30", f"price_max={10**30}", 400),
        ("B11", "starts_after nonsense", "starts_after=yesterday", 400),
        ("B13", "format=api", "format=api", 400),
        ("B13", "format=xml", "format=xml", 400),
        ("B13", "format=csv", "format=csv", 400),
    ],
)  # fmt: skip
def test_a_list_asked_for_too_much(shop, someone, query, status):
    """Parameters that a list does not know are refused, and nothing of what they asked for is told."""
    answer = someone.get(f"/api/events?{query}")
    assert answer.status == status, answer.text
    if status == 200:
        assert answer.headers["Content-Type"] == "application/json"
        results = answer.json()["results"]
        assert len(results) <= 100
        for secret in ("stream_url", "seats_taken", SECRET, "Hidden night", "password"):
            assert secret not in str(results)
        if query.startswith("q="):
            assert answer.json()["count"] == 0
    assert_no_insides(answer)


@cases(
    "accept status",
    [
        ("B13", "XML", "application/xml", 406),
        ("B13", "HTML", "text/html", 406),
        ("B13", "CSV", "text/csv", 406),
        ("B13", "a browser's", "text/html,application/xhtml+xml,*/*;q=0.8", 200),
        ("B13", "nonsense", ";;q=,/", 406),
    ],
)
def test_json_and_nothing_else(someone, accept, status):
    answer = someone.get("/api/events", Accept=accept)
    assert answer.status == status
    assert "json" in answer.headers["Content-Type"]


# -- methods ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET", "OPTIONS", "TRACE", "PROPFIND", "HEAD"])
@pytest.mark.parametrize("path", [BUY, "/api/users/login", "/api/webhooks/payment"], ids=lambda p: f"B12 {p}")
def test_a_method_that_is_not_there(someone, method, path):
    answer = someone.send(method, path)
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]
    if method != "HEAD":
        assert_problem(answer, 405, "method_not_allowed")


@cases(
    "method path headers",
    [
        ("B12", "override header", "GET", "/api/events/{event}", {"X_HTTP_Method_Override": "DELETE"}),
        ("B12", "another spelling", "GET", "/api/events/{event}", {"X_HTTP_Method": "DELETE"}),
        ("B12", "override parameter", "GET", "/api/events/{event}?_method=DELETE", {}),
        ("B09", "X-Admin", "GET", "/api/events/{event}?admin=1", {"X_Admin": "true", "X_User": "staff"}),
        ("D09", "X-Original-URL", "GET", "/api/events/{event}", {"X_Original_URL": "/admin/"}),
        ("D09", "X-Rewrite-URL", "GET", "/api/events/{event}", {"X_Rewrite_URL": "/admin/"}),
    ],
)
def test_headers_that_some_servers_obey(shop, someone, method, path, headers):
    path = path.format(event=shop.event)
    answer = someone.send(method, path, token=shop.staff.token, **headers)
    assert (answer.status, answer.json()["id"]) == (200, shop.event)
    assert someone.send("HEAD", path).status == 200


# -- who is there -----------------------------------------------------------------------------------
@cases(
    "known unknown",
    [
        ("B14", "an account by id", "/api/users/{owner}", "/api/users/999999"),
        ("B14", "an account's tickets", "/api/users/{owner}/tickets", "/api/users/999999/tickets"),
        ("B14", "a hidden event", "/api/events/{hidden}", "/api/events/999999"),
        ("B14", "a payment", "/api/payments/{invoice}/status", "/api/payments/Invoice:x/status"),
    ],
)
def test_what_is_there_looks_like_what_is_not(shop, someone, known, unknown):
    bought = shop.buy(shop.owner)
    shop.bolt11(bought)
    invoice = shop.order(bought).json()["payment"]["invoice_id"]
    known = known.format(owner=shop.owner.id, hidden=shop.hidden, invoice=invoice)
    there, not_there = (someone.get(path, token=shop.stranger.token) for path in (known, unknown))
    assert (there.status, there.anonymous) == (404, not_there.anonymous)
    assert there.headers["Content-Length"] == not_there.headers["Content-Length"]
    assert set(there.headers) == set(not_there.headers)


def test_find_tells_nobody_who_has_tickets(shop, someone):
    """B14"""
    bought = shop.buy(event=shop.free)
    pages = []
    for email in (bought["order"]["email"], "nobody-has-this@example.com"):
        answer = someone.browser().submit("/find", email=email)
        pages.append((answer.status_code, answer.headers["Location"], len(answer.content)))
    assert pages[0] == pages[1]


def test_one_list_is_exported_as_a_table():
    """B15: what opens in a spreadsheet could run there. Staff's own promo codes are the one such file, and
    no cell of it begins as a formula does (tickets/tests/test_bulk_codes.py)."""
    tables = [path for path in [*endpoints(), *admin_paths()] if "csv" in path or "/export/" in path]
    assert tables == ["/admin/events/promocode/csv"]

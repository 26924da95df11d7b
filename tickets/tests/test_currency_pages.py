"""Pages, mails, API and staff's forms of events priced in other currencies than sats."""

import json
import re

import pytest
from django.core import mail
from django.core.management import call_command

from events.models import Event
from payments.models import Payment
from tests.acts import hold, pay
from tests.factories import EventFactory, TicketTypeFactory
from tests.rates import no_rate, rate_is
from tickets.models import Order
from tickets.tests.test_currencies import end, priced
from tickets.tests.test_statements import LOCKS, buy, node, statements  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def text(answer) -> str:
    words = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(words.replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.mark.parametrize(("language", "price"), [("en", "$12.00"), ("es", "12,00 US$")])
def test_lists_and_pages_show_the_price_and_about_how_many_sats(client, language, price):
    rate_is("USD", 100_000)
    event = priced()
    sats = "≈ 12,000 sats" if language == "en" else "≈ 12 000 sats"
    for url in ("/", event.get_absolute_url()):
        page = text(client.get(url, headers={"Accept-Language": language}))
        assert price in page, url
        assert sats in page, url
        assert re.findall(r"(\S+) \d+[, ]?\d* sats", page) == ["≈"] * page.count(sats), "none is exact"


def test_the_kept_page_of_strangers_follows_the_rate(client):
    rate_is("USD", 100_000, ago=100)
    event = priced()
    TicketTypeFactory(event=event, name="Student", price=500)
    assert "≈ 5,000 sats" in text(client.get(event.get_absolute_url()))
    rate_is("USD", 80_000)
    page = text(client.get(event.get_absolute_url()))
    assert "≈ 6,250 sats" in page
    assert "≈ 15,000 sats" in page
    assert "[about" not in page


def test_a_pause_is_said_and_sats_go_on(client):
    no_rate("USD")
    event = priced()
    page = client.get(event.get_absolute_url())
    assert "no reliable exchange rate for USD" in text(page)
    hidden = dict(re.findall(r'name="(key|price_sats)" value="([^"]+)"', page.content.decode()))
    form = hidden | {"quantity": 1, "email": "ann@example.com", "uma_address": ""}
    assert client.post(event.get_absolute_url(), form).status_code == 503
    rate_is("USD", 100_000)
    assert "no reliable exchange rate" not in text(client.get(event.get_absolute_url()))
    assert client.post(event.get_absolute_url(), form).status_code == 302


def test_what_buyers_want_to_pay_is_typed_with_cents(client):
    rate_is("USD", 100_000)
    event = priced(500)
    event.default_type.pricing = "at_least"
    event.default_type.save()
    kind = event.default_type_id
    form = {"email": "ann@example.com", f"seats_{kind}": 2}
    assert client.post(event.get_absolute_url(), form | {f"amount_{kind}": "4.99"}).status_code == 422
    assert client.post(event.get_absolute_url(), form | {f"amount_{kind}": "7.001"}).status_code == 422
    assert client.post(event.get_absolute_url(), form | {f"amount_{kind}": "7.5"}).status_code == 302
    assert Payment.objects.get().amount_minor == 1_500


def test_the_order_says_both_and_so_do_its_mail_and_its_end(client, settings):
    rate_is("USD", 100_000, ago=100)
    order = hold(priced(), uma_address="$ann@wallet.example")
    assert "$12.00 (12,000 sats)" in text(client.get(order.get_absolute_url()))
    pay(order)
    from tickets.mail.messages import send_mail

    send_mail(order.mails.get(kind="tickets"))
    assert "Paid: $12.00 (12,000 sats)" in mail.outbox[-1].body.replace("\N{NO-BREAK SPACE}", " ")
    rate_is("USD", 80_000)
    pay(order)
    page = text(client.get(order.get_absolute_url()))
    assert "That was $12.00 when the price was agreed, and is $9.60 now." in page


def test_whoever_comes_back_is_asked_at_the_price_of_now(client):
    rate_is("USD", 100_000, ago=100)
    order = hold(priced(), quantity=2)
    end(order, order.payment.invoices.get())
    rate_is("USD", "99000")
    page = client.get(order.get_absolute_url())
    assert "The price is now 24,243 sats (was 24,000). Continue?" in text(page)
    rate_is("USD", "98000")
    stale = client.post(order.get_absolute_url(), {"act": "order_again", "amount_sats": "24243"})
    assert (stale.status_code, Order.objects.count()) == (409, 1)
    assert "The price is now 24,490 sats (was 24,000). Continue?" in text(stale)
    for _click in range(2):
        anew = client.post(order.get_absolute_url(), {"act": "order_again", "amount_sats": "24490"})
        assert anew.status_code == 302
    order = Order.objects.latest("created_at")
    assert (Order.objects.count(), order.amount_sats, order.amount) == (2, 24_490, 2_400)
    for nonsense in ("", "x", "9" * 99, "-1"):
        said = {"act": "order_again", "amount_sats": nonsense}
        assert client.post(order.get_absolute_url(), said).status_code in (409, 302)


def test_a_purchase_is_one_statement_more_than_one_in_sats(client, node):  # noqa: F811
    """Eleven on the whole: the rate is read once, and SAT reads none."""
    rate_is("USD", 100_000)
    event = priced()
    with statements() as said:
        bought = buy(client, event)
    assert len(said) == 11 + LOCKS, "\n".join(said)
    order = bought["order"]
    assert (order["currency"], order["amount"], order["price"], order["amount_sats"]) == (
        "USD",
        1200,
        1200,
        12000,
    )
    assert order["quote"]["rate"] == "100000"
    assert order["quote"]["sources"] == ["one", "two"]
    assert (order["quote"]["amount_msats"], bought["payment"]["currency"]) == (12_000_000, "USD")


def test_structured_data_has_the_price_in_its_currency(client):
    rate_is("USD", 100_000)
    page = client.get(priced().get_absolute_url()).content.decode()
    data = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)[0])
    assert (data["offers"][0]["price"], data["offers"][0]["priceCurrency"]) == ("12.00", "USD")


def test_the_audit_adds_up_each_currency(capsys):
    rate_is("USD", 100_000)
    pay(hold(priced()))
    pay(hold(EventFactory()))
    call_command("audit", offline=True)
    said = capsys.readouterr().out
    assert "USD: 1 paid orders for $12.00, agreed as 12,000 sats." in said
    assert "SAT: 1 paid orders for 2,100 sats." in said
    Payment.objects.filter(currency="USD").update(amount_minor=1_201)
    with pytest.raises(SystemExit):
        call_command("audit", offline=True)
    said = capsys.readouterr().out
    assert "lines of 1200, payments of 1201 in minor units" in said
    assert "1201 of USD at 100000" in said


def test_lists_sort_by_what_prices_come_to(client):
    rate_is("USD", 100_000)
    priced(1_200, title="Twelve dollars")
    EventFactory(title="Some sats", price_sats=11_000)
    EventFactory(title="More sats", price_sats=13_000)
    found = client.get("/api/events?ordering=price_sats").json()["results"]
    assert [(one["title"], one["price_sats"]) for one in found] == [
        ("Some sats", 11_000), ("Twelve dollars", 12_000), ("More sats", 13_000),
    ]  # fmt: skip
    assert Event.objects.get(currency="USD").version == 0

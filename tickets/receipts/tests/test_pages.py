"""Pages, PDFs, API and admin of receipts: what they say, and to whom."""

import re
from io import BytesIO

import pytest
from django.urls import reverse
from pypdf import PdfReader

from events.baskets import Item
from tests.acts import hold, together
from tests.factories import (
    EveningFactory,
    MembershipFactory,
    OrganizerFactory,
    TicketTypeFactory,
    UserFactory,
)
from tickets.models import Order
from tickets.receipts import addressees
from tickets.receipts.addressees import forget_addressees, make_out
from tickets.receipts.drawing import draw_credit_note, draw_receipt
from tickets.receipts.models import Addressee, Receipt
from tickets.receipts.tests.conftest import sent, sold
from tickets.services.data_export import export_person
from tickets.services.refunds import refund_order

pytestmark = pytest.mark.django_db(transaction=True)
COMPANY = {"name": "Müller & Söhne <b>AG</b>", "address": "Weg 2\nZürich", "tax_number": "CHE-123"}


def page(order: Order) -> str:
    return f"/orders/{order.token}/receipt"


def words_of(answer) -> str:
    """The text of a PDF."""
    assert answer["Content-Type"] == "application/pdf"
    [sheet] = PdfReader(BytesIO(answer.content)).pages
    return " ".join(sheet.extract_text().split())


def make(client, order, **said):
    return client.post(page(order), {"act": "receipt_addressee", **(said or COMPANY)})


def test_the_page_says_what_was_paid(client, paid):
    draw_receipt(paid)
    text = client.get(page(paid)).content.decode()
    seller = ["Tuesday Talks GmbH", "10115 Berlin", "DE123456789"]
    assert all(said in text for said in [*seller, "-000001", "19%", "2,380 sats", "380 sats"])
    assert paid.payment.incoming_payments.get().payment_hash in text
    assert paid.email not in text


def test_until_it_is_drawn_the_page_looks_again(client, paid):
    answer = client.get(page(paid))
    assert b'http-equiv="refresh"' in answer.content
    assert not Receipt.objects.exists()


def test_what_was_not_paid_or_free_leads_to_its_order(client, event):
    for order in (hold(event), hold(EveningFactory(price_sats=0))):
        assert client.get(page(order)).url == order.get_absolute_url()


def test_the_order_leads_there(client, paid):
    assert f'href="{page(paid)}"' in client.get(paid.get_absolute_url()).content.decode()
    refund_order(paid)
    assert f'href="{page(paid)}"' in client.get(paid.get_absolute_url()).content.decode()
    free = hold(EveningFactory(price_sats=0))
    assert "/receipt" not in client.get(free.get_absolute_url()).content.decode()


def test_the_pdf_says_the_same_and_is_the_same_file(client, paid):
    receipt = draw_receipt(paid)
    url = f"/orders/{paid.token}/receipts/{receipt.name}.pdf"
    answer = client.get(url)
    words = words_of(answer)
    seller = ["Tuesday Talks GmbH", "10115 Berlin"]
    assert all(said in words for said in [*seller, receipt.name, "19%", "2,380 sats", "380 sats", paid.code])
    assert client.get(url).content == answer.content
    assert answer["Cache-Control"] == "no-store, private"


def test_a_long_one_is_one_long_page(client, event):
    event.max_per_order = 50
    event.save()
    types = [
        TicketTypeFactory(event=event, name=f"Kind {n}", price=100 + n, tax_basis_points=700 + n)
        for n in range(40)
    ]
    order = sold(event, None, items=[Item(each.pk, 1) for each in types])
    receipt = draw_receipt(order)
    words = words_of(client.get(f"/orders/{order.token}/receipts/{receipt.name}.pdf"))
    assert all(each.name in words for each in types)
    assert receipt.payment_hash in words


def test_a_credit_note_has_its_page_and_pdf(client, paid):
    draw_receipt(paid)
    note = draw_credit_note(sent(refund_order(paid)))
    assert note.name in client.get(page(paid)).content.decode()
    url = f"/orders/{paid.token}/receipts/{note.name}"
    text = client.get(url).content.decode().replace("\xa0", " ")
    assert "−2,380 sats" in text
    assert "Corrects receipt" in text
    assert "−2,380 sats" in words_of(client.get(f"{url}.pdf")).replace("\xa0", " ")


def test_another_order_has_other_numbers(client, paid, event):
    draw_receipt(paid)
    other = draw_receipt(sold(event))
    for kind in ("", ".pdf"):
        assert client.get(f"/orders/{paid.token}/receipts/{other.name}{kind}").status_code == 404
    assert client.get(f"/orders/{paid.token}x/receipt").status_code == 404


# -- made out to somebody -----------------------------------------------------------------------
def test_it_is_made_out_to_a_company_under_its_number(client, paid):
    receipt = draw_receipt(paid)
    assert make(client, paid).url == page(paid)
    text = client.get(page(paid)).content.decode()
    assert "Müller &amp; Söhne &lt;b&gt;AG&lt;/b&gt;" in text
    assert "Zürich" in text
    assert draw_receipt(paid).name == receipt.name
    assert "Söhne <b>AG</b>" in words_of(client.get(f"/orders/{paid.token}/receipts/{receipt.name}.pdf"))
    make(client, paid)  # the same once more
    make(client, paid, name="Other")
    assert list(Addressee.objects.values_list("name", flat=True)) == [COMPANY["name"], "Other"]


def test_who_is_quick_has_it_drawn_at_once(client, paid):
    make(client, paid)
    assert Receipt.objects.get().addressee.name == COMPANY["name"]


def test_sixteen_at_once_make_it_out_once(paid):
    got = together(*[lambda: make_out(Order.objects.get(pk=paid.pk), **COMPANY).name] * 16)
    assert len({*got}) == 1
    assert Addressee.objects.count() == 1


@pytest.mark.parametrize(
    "said",
    [{"name": ""}, {"name": "a\x07b"}, {"name": "a" * 161}, {"name": "A", "address": "x" * 501},
     {"name": "A", "tax_number": "1\n2"}, {"name": "A", "tax_number": "1" * 41}],
)  # fmt: skip
def test_what_is_no_addressee_is_refused(client, paid, said):
    draw_receipt(paid)
    answer = make(client, paid, **said)
    assert answer.status_code == 422 or not Addressee.objects.filter(tax_number__contains="\n")
    assert answer.status_code == 422 or "\n" in str(said)
    url = f"/api/orders/{paid.pk}/receipt/addressee"
    answer = client.post(url, said, content_type="application/json", headers={"Order-Token": paid.token})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_it_is_not_made_out_anew_for_ever(client, paid, monkeypatch):
    monkeypatch.setattr(addressees, "MOST", 2)
    for name in ("A", "B"):
        assert make(client, paid, name=name).status_code == 302
    assert make(client, paid, name="C").status_code == 409
    assert Addressee.objects.count() == 2


def test_addressees_go_when_receipts_need_not_be_kept(paid, settings):
    make_out(paid, **COMPANY)
    series = Receipt.objects.get().series
    assert forget_addressees() == 0
    series.year -= settings.RECEIPT_YEARS
    series.save()
    assert forget_addressees() == 0
    series.year -= 2
    series.save()
    settings.RECEIPT_YEARS, years = 0, settings.RECEIPT_YEARS
    assert forget_addressees() == 0
    settings.RECEIPT_YEARS = years
    assert forget_addressees() == 1
    assert Receipt.objects.get().addressee is None


def test_the_export_of_a_person_has_them(event):
    ann = UserFactory(email="ann@example.com")
    order = sold(event, buyer=ann)
    make_out(order, **COMPANY)
    [told] = export_person(ann)["orders"]
    [receipt] = told["receipts"]
    assert receipt["number"] == draw_receipt(order).name
    assert [one["name"] for one in receipt["made_out_to"]] == [COMPANY["name"]]


# -- API ----------------------------------------------------------------------------------------
def test_the_api_tells_it(client, paid):
    url, headers = f"/api/orders/{paid.pk}/receipt", {"Order-Token": paid.token}
    early = client.get(url, headers=headers)
    assert (early.status_code, early.json()["code"]) == (409, "receipt_not_drawn")
    assert early["Retry-After"] == "15"
    receipt = draw_receipt(paid)
    told = client.get(url, headers=headers).json()
    assert told["number"] == receipt.name
    assert (told["amount"], told["tax"], told["amount_sats"]) == (2380, 380, 2380)
    line = {"text": "Ticket", "quantity": 2, "price": 1190, "discount": 0, "amount": 2380}
    assert told["lines"] == [line | {"rate": 1900, "tax": 380}]
    assert told["addressee"] is None
    made = client.post(f"{url}/addressee", COMPANY, content_type="application/json", headers=headers)
    assert made.json()["addressee"] == COMPANY
    note = draw_credit_note(sent(refund_order(paid)))
    assert [one["number"] for one in client.get(url, headers=headers).json()["credit_notes"]] == [note.name]
    assert receipt.name in words_of(client.get(f"{url}/pdf", headers=headers))
    assert note.name in words_of(client.get(f"{url}/pdf?number={note.name}", headers=headers))
    assert client.get(f"{url}/pdf?number=2000-000001", headers=headers).status_code == 404
    assert client.get(f"{url}/pdf?number=x", headers=headers).status_code == 404
    assert client.get(url).status_code == 404


def test_the_api_says_that_there_is_none(client, event):
    order = hold(event)
    answer = client.get(f"/api/orders/{order.pk}/receipt", headers={"Order-Token": order.token})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_receipt")


# -- staff --------------------------------------------------------------------------------------
def test_staff_find_it_and_its_pdf(staff, paid):
    receipt = draw_receipt(paid)
    make_out(paid, **COMPANY)
    change = staff.get(reverse("admin:receipts_receipt_change", args=[receipt.pk])).content.decode()
    assert "Söhne &lt;b&gt;AG" in change
    assert receipt.name in words_of(staff.get(reverse("admin:receipts_receipt_pdf", args=[receipt.pk])))
    listed = f"{reverse('admin:receipts_receipt_changelist')}?q={paid.code}"
    assert listed in staff.get(reverse("admin:tickets_order_change", args=[paid.pk])).content.decode()
    assert re.search(r"1\s+receipt", staff.get(listed).content.decode())


def test_finance_of_another_organizer_sees_nothing(client, paid, settings):
    settings.STAFF_SECOND_FACTOR = "optional"
    receipt = draw_receipt(paid)
    bo = UserFactory()
    MembershipFactory(organizer=OrganizerFactory(), user=bo, role="finance")
    client.force_login(bo)
    assert client.get(reverse("admin:receipts_receipt_pdf", args=[receipt.pk])).status_code == 404
    MembershipFactory(organizer=paid.event.organizer, user=bo, role="finance")
    assert client.get(reverse("admin:receipts_receipt_pdf", args=[receipt.pk])).status_code == 200

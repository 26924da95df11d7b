"""Admin lists and order pages: every case is shown, in a constant number of queries."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from accounts.history import by_command, record
from payments.models import IncomingPayment, Payment, Refund, Sweep
from payments.reconciliation import sweep_row
from tests.acts import hold, pay, stray_money
from tests.doors import offline_scan
from tests.factories import (
    AnswerFactory,
    CheckInFactory,
    CheckupFactory,
    EveningFactory,
    EventChangeFactory,
    FormerSlugFactory,
    InvitationFactory,
    MembershipFactory,
    OrganizerFactory,
    PendingActFactory,
    PostTransactionFactory,
    PromoCodeFactory,
    SignInFactory,
    StaffFactory,
    SweepFactory,
    UsageFactory,
    UserFactory,
    ViewerFactory,
    WebhookEventFactory,
)
from tickets.mail_health.tests.factories import SuppressedFactory
from tickets.models import Announcement, CheckIn, Mail, Order, Ticket
from tickets.receipts.drawing import draw_receipt
from tickets.scheduled_exports.tests.factories import ExportMailFactory, ScheduledExportFactory
from tickets.staff.alerts import needs_attention
from tickets.tests.admin_client import change_url, list_url

OURS = ["accounts", "events", "payments", "tickets", "offline_door", "mail_health", "scheduled_exports"]
pytestmark = pytest.mark.django_db(transaction=True)


# -- who may come in ---------------------------------------------------------------------------
def test_a_stranger_is_sent_to_the_sign_in_page():
    answer = Client().get("/admin/", follow=True)
    assert "/accounts/login/" in answer.redirect_chain[-1][0]


def test_a_buyer_is_not_let_in(settings):
    client = Client()
    client.force_login(StaffFactory(email="buyer@example.com"))
    assert client.get("/admin/", follow=True).status_code == 403
    assert client.get(reverse("admin:tickets_order_changelist"), follow=True).status_code == 403


# -- lists -------------------------------------------------------------------------------------
def one_of_each() -> None:
    order = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    pay(order)
    draw_receipt(order)
    PostTransactionFactory(incoming_payment=pay(order))
    CheckInFactory(ticket=order.tickets.get())
    offline_scan(order.tickets.get())
    SuppressedFactory()
    ExportMailFactory(schedule=ScheduledExportFactory(organizer=OrganizerFactory()), recipient=UserFactory())
    ViewerFactory(ticket=order.tickets.get(), key="k")
    was = {"title": "t", "start_time": timezone.now(), "end_time": timezone.now(), "timezone": "UTC"}
    Announcement.objects.update_or_create(event=order.event, defaults=was)
    EventChangeFactory(event=order.event, is_move=True, **was)
    PromoCodeFactory(event=order.event, text=order.code)
    AnswerFactory(order=order)
    FormerSlugFactory(event=order.event, slug=order.code.lower())
    WebhookEventFactory(event_id=order.code, type="PAYMENT_FINISHED", entity_id="x")
    apps.get_model("payments", "VaspNonce").objects.create(domain="a.example", nonce=order.code)
    StaffFactory(email=f"{order.code.lower()}@example.com")
    with by_command("test"):
        record("press", order)
    UsageFactory(key=order.code, uses=1, until=0)
    SignInFactory()
    PendingActFactory()
    organizer = OrganizerFactory()
    MembershipFactory(organizer=organizer)
    InvitationFactory(organizer=organizer)


def our_models():
    return [model for model in apps.get_models() if model._meta.app_label in OURS]


def test_every_model_is_in_the_admin():
    assert [model for model in our_models() if not admin.site.is_registered(model)] == []


def test_a_list_asks_as_much_for_three_rows_as_for_one(staff):
    def statements():
        counts = {}
        for model in our_models():
            with CaptureQueriesContext(connection) as asked:
                assert staff.get(list_url(model)).status_code == 200
            counts[model._meta.label] = len(asked)
        return counts

    SweepFactory(read_until=timezone.now())
    one_of_each()
    of_one = statements()
    one_of_each()
    one_of_each()
    assert statements() == of_one
    assert max(of_one.values()) <= 12


def test_every_row_has_a_page_and_every_search_an_answer(staff):
    SweepFactory(read_until=timezone.now())
    CheckupFactory(findings=[{"level": "wrong", "check": "key", "says": "<b>"}])
    one_of_each()
    for model in our_models():
        assert staff.get(change_url(model.objects.first())).status_code == 200
        for words in ("x", "4f7k-q2m9", "0" * 64, "'\"%_", "\0", "ann@example.com", "é" * 300):
            assert staff.get(list_url(model), {"q": words}).status_code < 500


@pytest.mark.parametrize("object_id", ["nonsense", "0", "00000000-0000-0000-0000-000000000000"])
def test_a_row_that_is_not_there_sends_back_to_the_index(staff, object_id):
    for name in ("tickets_order", "events_event", "payments_refund"):
        url = reverse(f"admin:{name}_change", args=[object_id])
        assert staff.get(url).status_code == 302
        assert staff.get(reverse(f"admin:{name}_act", args=[object_id, "cancel"])).status_code == 404


def test_money_and_states_are_read_only(staff):
    one_of_each()
    for model in (Payment, IncomingPayment, Refund, Order, Ticket, CheckIn, Mail):
        name, row = f"{model._meta.app_label}_{model._meta.model_name}", model.objects.first()
        delete = reverse(f"admin:{name}_delete", args=[row.pk])
        assert staff.get(reverse(f"admin:{name}_add")).status_code == 403
        assert staff.post(delete, {"post": "yes"}).status_code == 403
        assert staff.post(change_url(row), {"status": "paid", "amount_sats": 1}).status_code == 403


def test_an_order_is_found_by_code_mail_hash_and_ticket_code(staff):
    order, other = hold(EveningFactory()), hold(EveningFactory(), email="zed@example.com")
    pay(order)
    url = reverse("admin:tickets_order_changelist")
    hash_of_invoice = order.payment.invoices.get().payment_hash
    code = f"{order.code[:4].lower()}-{order.code[4:].lower()}"
    for words in (code, "ann@example.com", hash_of_invoice, order.tickets.get().ticket_code):
        rows = staff.get(url, {"q": words}).context["cl"].result_list
        assert [row.pk for row in rows] == [order.pk], words
    assert other.code not in staff.get(url, {"q": code}).content.decode()


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("tickets_order", "payment=pending"),
        ("payments_payment", "waiting=money"),
        ("tickets_order", "payment=push-queued"),
    ],
)
def test_pending_payments_are_one_click_away(staff, name, query):
    waiting = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    paid = hold(EveningFactory())
    pay(paid)
    page = staff.get(reverse(f"admin:{name}_changelist") + "?" + query)
    wanted = waiting if name == "tickets_order" else waiting.payment
    assert [row.pk for row in page.context["cl"].result_list] == [wanted.pk]


# -- one order on one page ---------------------------------------------------------------------
def test_an_order_shows_its_whole_story(staff):
    order = hold(EveningFactory(), 2, uma_address="$ann@wallet.example.com")
    Payment.objects.filter(pk=order.payment_id).update(pushed_at=timezone.now(), push="delivered")
    money = pay(order)
    second = pay(order)
    WebhookEventFactory(event_id="e1", type="PAYMENT_FINISHED", entity_id=money.node_payment_id)
    order.mails.update(status="sent", sent_at=timezone.now())
    CheckInFactory(ticket=order.tickets.get(number=1))
    second.refunds.update(status="sent", sent_at=timezone.now())
    page = staff.get(change_url(order))
    kinds = [moment.kind for moment in page.context["timeline"]]
    assert sorted(kinds) == sorted(
        ["held", "pushed", "invoiced", "arrived", "arrived", "webhook", "settled", "paid", "mailed"]
        + ["checked in", "refund", "refunded"]
    )  # fmt: skip
    assert kinds[0] == "held"
    text = page.content.decode()
    for fact in (money.node_payment_id, second.node_payment_id, "2,000 sats", "$ann@wallet.example.com"):
        assert fact in text
    assert not any(ticket.ticket_code in text for ticket in order.tickets.all())


def test_a_payers_comment_is_told_as_text(staff):
    order = hold(EveningFactory())
    order.payment.invoices.update(comment="<script>alert(1)</script>")
    text = staff.get(change_url(order)).content.decode()
    assert "Its comment: “&lt;script&gt;alert(1)&lt;/script&gt;”." in text
    assert "<script>alert" not in text


def test_a_big_order_asks_as_much_as_a_small_one(staff):

    event = EveningFactory(capacity=50)
    small, big = hold(event, 1), hold(event, 9)
    for order, times in ((small, 1), (big, 4)):
        for _ in range(times):
            pay(order)
        for ticket in order.tickets.all():
            CheckInFactory(ticket=ticket, by=None)
    counts = []
    for order in (small, small, big):
        with CaptureQueriesContext(connection) as asked:
            assert staff.get(change_url(order)).status_code == 200
        counts.append(len(asked))
    assert counts[1] == counts[2] <= 20


# -- the first page ----------------------------------------------------------------------------
def test_the_first_page_shows_what_needs_attention_and_todays_sales(staff):
    now = timezone.now()
    SweepFactory(read_until=now, tried_at=now, succeeded_at=now, available_msats=10**9)
    text = staff.get("/admin/").content.decode()
    assert "Nothing. Every payment" in text
    order = hold(EveningFactory(title="Moonlight"), 2)
    pay(order)
    stray_money(3_000_000)
    text = staff.get("/admin/").content.decode()
    assert "Money arrived that matches no order" in text
    assert "?purpose=unmatched" in text
    assert "Moonlight" in text
    assert "2,000\xa0sats" in text


def test_a_silent_node_and_an_empty_purse_are_said(staff):
    long_ago = timezone.now() - timedelta(minutes=5)
    sweep = SweepFactory(
        read_until=long_ago, tried_at=timezone.now(), succeeded_at=long_ago, available_msats=1_000
    )
    order = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    pay(order)
    pay(order)
    text = staff.get("/admin/").content.decode()
    assert "The Lightning node does not answer" in text
    assert "The node lacks 1,009 sats to send what is owed, with its fees" in text
    Sweep.objects.filter(pk=sweep.pk).update(tried_at=long_ago)
    assert "No worker is running" in staff.get("/admin/").content.decode()


def test_every_line_of_attention_leads_to_its_rows(staff):
    order = hold(EveningFactory())
    pay(order)
    pay(order)
    stray_money()
    Refund.objects.update(status="failed", to="$a@example.com")
    Mail.objects.update(parked_at=timezone.now())
    lines, start = {line.kind: line for line in needs_attention()}, staff.get("/admin/").content.decode()
    for kind in ("unmatched", "failed", "parked"):
        model, query = lines[kind].model.replace(".", "_"), lines[kind].query
        assert f"?{escape(query)}" in start
        page = staff.get(reverse(f"admin:{model}_changelist") + "?" + query)
        assert len(page.context["cl"].result_list) == 1


def test_what_the_node_can_send_is_told_in_whole_sats(staff):
    sweep_row()
    Sweep.objects.filter(name=Sweep.INCOMING).update(available_msats=1_093_950)
    page = staff.get(reverse("admin:index")).content.decode()
    assert "<b>1,093\N{NO-BREAK SPACE}sats</b> the node can send" in page

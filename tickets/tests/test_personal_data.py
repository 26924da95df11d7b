"""Erasure of personal data, of guests too: what stays of refunds and in the history; and the export."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.history import HistoryEntry
from accounts.models import User
from accounts.staff import save_verified_user
from events.models import Event
from payments.models import Payment, Refund
from tests.acts import hold, pay
from tests.factories import EveningFactory, StaffFactory
from tickets.models import Mail, Order
from tickets.services.check_ins import check_in
from tickets.services.data_export import export_person
from tickets.services.personal_data import erase_personal_data, forget_email, purge_erased_orders
from tickets.services.refunds import give_refund_address, refund_order, refund_part
from tickets.tests.admin_client import act, act_url, change_url, told

pytestmark = pytest.mark.django_db(transaction=True)

ANN = "ann@example.com"
WALLET = "$ann@localhost:8081"


def paid(**buyer) -> Order:
    order = hold(EveningFactory(), **buyer)
    pay(order)
    return order


def over(order: Order) -> None:
    start = timezone.now() - timedelta(days=3)
    Event.objects.filter(pk=order.event_id).update(start_time=start, end_time=start + timedelta(hours=2))
    Order.objects.filter(pk=order.pk, ended_at__isnull=False).update(ended_at=start)


def sent(refund: Refund) -> None:
    """The node has sent it, and its receiver was told long ago."""
    give_refund_address(refund.incoming_payment.payment.order, address=WALLET)
    Refund.objects.filter(pk=refund.pk).update(
        status="sent", sent_at=timezone.now() - timedelta(days=1), bolt11="lnbcrt1",
        node_payment_id="OutgoingPayment:1", utxo_callback="https://wallet.example/ann",
    )  # fmt: skip


def bea() -> User:
    return save_verified_user(email="bea@example.com", password="a long enough password", name="Bea")[0]


def every_word() -> str:
    """All that the database holds of orders, money and what was done to them."""
    words = []
    for model in (Order, Payment, Refund, Mail, HistoryEntry, LogEntry):
        words += [str(row) for row in model.objects.values()]
    return " ".join(words)


# -- what stays -------------------------------------------------------------------------------
def test_where_a_refund_went_is_forgotten_with_its_receiver(client):
    order = paid(buyer=bea(), email="bea@example.com")
    sent(refund_order(order))
    over(order)
    erase_personal_data(User.objects.get())
    refund = Refund.objects.get()
    assert (refund.status, refund.to, refund.bolt11, refund.utxo_callback) == ("sent", "", "", "")
    assert (refund.amount_msats, refund.node_payment_id) == (1_000_000, "OutgoingPayment:1")
    assert WALLET not in every_word()
    page = client.get(order.get_absolute_url()).content.decode()
    assert "1,000 sats went back." in " ".join(page.split())


def test_where_a_refund_went_is_forgotten_later_when_it_was_under_way():
    order = paid(buyer=bea(), email="bea@example.com")
    refund = refund_order(order)
    over(order)
    erase_personal_data(User.objects.get())
    sent(refund)
    Mail.objects.update(status="sent")
    purge_erased_orders()
    assert Refund.objects.get().to == ""


def test_what_a_button_said_is_kept_without_the_address(staff):
    order = paid(uma_address=WALLET)
    Mail.objects.update(status="sent", sent_at=timezone.now())
    assert told(act(staff, order, "mail")) == [f"The tickets are mailed to {ANN} again, within a minute."]
    entry = HistoryEntry.objects.get(act="press")
    assert (
        entry.details["said"]
        == "Mail the tickets again: The tickets are mailed to [address] again, within a minute."
    )


def test_djangos_old_log_of_an_account_goes_with_it():
    sam, leaving = StaffFactory(), bea()
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=sam, content_type=kind, object_id=str(leaving.pk), object_repr=leaving.email, action_flag=CHANGE
    )
    erase_personal_data(leaving)
    assert not LogEntry.objects.exists()


def old_log(row, says: str) -> None:
    """What the admin wrote before there was a history."""
    kind = ContentType.objects.get_for_model(row)
    LogEntry.objects.create(
        user=StaffFactory(), content_type=kind, object_id=str(row.pk), object_repr=f"tickets, {ANN}",
        action_flag=CHANGE, change_message=says,
    )  # fmt: skip


def test_djangos_old_log_forgets_addresses_with_the_first_who_leaves():
    order = paid(uma_address=WALLET)
    old_log(order, f"Give an address: 900 sats are on the way to {WALLET}.")
    assert forget_email(ANN) == 1
    kept = LogEntry.objects.get()
    assert ("@" in kept.object_repr, "@" in kept.change_message) == (False, False)


# -- guests -----------------------------------------------------------------------------------
def test_a_guest_is_forgotten_by_command():
    order, other = paid(uma_address=WALLET), paid(email="cy@example.com", name="Cy")
    order.tickets.update(holder_name="Ann")
    over(order)
    said = StringIO()
    call_command("forget", " Ann@Example.com", stdout=said)
    assert "Forgotten, in 1 rows" in said.getvalue()
    order.refresh_from_db(), other.refresh_from_db()
    assert (order.status, order.email, order.name, order.uma_address) == ("paid", "", "", "")
    assert order.tickets.get().holder_name == ""
    assert not Mail.objects.filter(order=order).exists()
    assert (other.email, other.name) == ("cy@example.com", "Cy")
    words = every_word()
    assert ANN not in words
    assert WALLET not in words
    entry = HistoryEntry.objects.get()
    assert (entry.act, entry.via, entry.row_id) == ("forget", "manage.py forget", str(order.pk))
    with pytest.raises(CommandError, match="Nobody with this address"):
        call_command("forget", ANN)


def test_what_money_needs_of_a_guest_goes_once_it_arrived():
    order = paid()
    refund = refund_order(order)
    assert forget_email(ANN) == 1
    order.refresh_from_db()
    assert (order.name, order.email) == ("", ANN), "whom we ask where the money shall go"
    assert forget_email(ANN) == 0
    sent(refund)
    over(order)
    Mail.objects.update(status="sent")
    purge_erased_orders()
    assert ANN not in every_word()


def test_an_account_is_forgotten_by_its_address_with_what_was_bought_as_a_guest():
    user = bea()
    mine, guest = paid(buyer=user, email=user.email), paid(email=user.email)
    assert forget_email(user.email) == 3, "two orders and the account"
    assert not User.objects.exists()
    assert set(Order.objects.values_list("pk", "email", "name")) == {(mine.pk, "", ""), (guest.pk, "", "")}


def test_staff_forget_a_guest_on_the_page_of_an_order(staff):
    order, also = paid(), paid()
    page = staff.get(act_url(order, "forget")).content.decode()
    assert f"All 2 orders of the guest with the address {ANN} forget who bought." in page
    assert told(act(staff, order, "forget")) == ["2 orders have forgotten."]
    assert ANN not in every_word()
    assert {entry.row_id for entry in HistoryEntry.objects.all()} == {str(order.pk), str(also.pk)}
    assert act_url(order, "forget") not in staff.get(change_url(order)).content.decode()


def test_staff_do_not_delete_accounts_on_the_page_of_an_order(staff):
    order = paid(buyer=bea(), email="bea@example.com")
    assert act_url(order, "forget") not in staff.get(change_url(order)).content.decode()


# -- at once ----------------------------------------------------------------------------------
@pytest.mark.parametrize("way", ["person", "email", "chore"])
def test_payments_are_locked_before_orders(way):
    """Payment → order → event, as everywhere else: else it and arriving money wait for each other."""
    user = bea() if way == "person" else None
    order = paid(buyer=user, email="bea@example.com", uma_address=WALLET)
    over(order)
    if way == "chore":
        Order.objects.update(is_forgotten=True)
        Mail.objects.update(status="sent")
    with CaptureQueriesContext(connection) as asked:
        {"person": lambda: erase_personal_data(user), "email": lambda: forget_email("bea@example.com"),
         "chore": purge_erased_orders}[way]()  # fmt: skip
    written = [query["sql"] for query in asked if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    locks = [sql.startswith('SELECT "payments_payment"."id"') for sql in written]
    writes = [sql.startswith(("UPDATE", "DELETE")) for sql in written]
    assert locks.index(True) < writes.index(True)
    if connection.vendor == "postgresql":
        assert 'FOR UPDATE OF "payments_payment"' in written[locks.index(True)]


# -- taking along -----------------------------------------------------------------------------
def test_the_export_holds_refunds_mails_check_ins_and_what_one_did():
    user = bea()
    order = paid(buyer=user, email=user.email)
    refund_part(order, amount_sats=10, already_refunded_sats=0)
    give_refund_address(order, address=WALLET)
    check_in(code=order.tickets.get().ticket_code, event_id=order.event_id, by=None)
    HistoryEntry.objects.create(actor=user, via="page", act="export", row="accounts.user", row_id="1")
    said = export_person(user)
    told = said["orders"][0]
    refund = told["refunds"][0]
    assert (refund["to"], refund["amount_sats"], refund["status"]) == (WALLET, 10, "queued")
    assert [(mail["kind"], mail["to"]) for mail in told["mails"]] == [("tickets", user.email)]
    assert told["tickets"][0]["checked_in_at"] is not None
    assert [entry["act"] for entry in said["acts"]] == ["export"]


def test_the_export_costs_the_same_for_more_orders(django_assert_num_queries):
    user = bea()
    for orders in (1, 3):
        while Order.objects.count() < orders:
            refund_order(paid(buyer=user, email=user.email))
        user = User.objects.get(pk=user.pk)
        with django_assert_num_queries(23):
            export_person(user)

"""Promises of every address: reading changes nothing, no answer holds a stream's address."""

import re
from datetime import timedelta

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.staff import save_verified_user
from events.models import Event
from events.publishing import preview_path
from events.team import token_of
from payments.models import IncomingPayment, Invoice, Refund
from payments.refunds import take_back
from tests.acts import hold, pay, stray_money
from tests.attacks.endpoints import routes
from tests.factories import (
    EveningFactory,
    InvitationFactory,
    MembershipFactory,
    OrganizerFactory,
    UnprovenUserFactory,
)
from tickets.guest_messages.tests.factories import MessageFactory
from tickets.guest_messages.unsubscribing import unsubscribe_url
from tickets.receipts.drawing import draw_receipt
from tickets.scheduled_exports.tests.factories import ExportMailFactory, ScheduledExportFactory
from tickets.services import viewers
from tickets.services.check_ins import check_in
from tickets.services.mailbox_proof import mailbox_path
from tickets.services.orders import queue_mail

pytestmark = pytest.mark.django_db(transaction=True)

STREAM = "https://canary.example/watch/7f3a91.m3u8"
# What looking may write, anywhere: counters of limits, nonces of signed questions, sessions.
NOT_COMPARED = {"accounts.Usage", "payments.VaspNonce", "sessions.Session"}
NOT_COMPARED |= {"auth.Permission", "contenttypes.ContentType"}  # Django's lists of models, long and constant
# A wallet's GET of this address asks for an invoice, and must be given one (LUD-06).
MAY_WRITE = {"/api/uma/payreq/{reference}": {"payments.Invoice"}}
# Staff write the stream's address here, and so read it.
TELL_STAFF = {"/admin/events/event/{object_id}/change/"}


class Shop:
    """One evening that is live, with one of everything in it: `names` are what stands for {…} in a route."""

    def __init__(self):
        self.staff = save_verified_user(email="staff@example.com", password="a long enough password")[0]
        self.ann = save_verified_user(email="ann@example.com", password="a long enough password")[0]
        start = timezone.now() + timedelta(minutes=5)
        event = EveningFactory(start_time=start, end_time=start + timedelta(hours=2), stream_url=STREAM)
        self.paid = hold(event, 4, buyer=self.ann)
        pay(self.paid)
        self.tickets = list(self.paid.tickets.select_related("order__event"))
        self.pending = hold(event, email="bea@example.com")
        used, watched, passed = self.tickets[1:]
        check_in(code=used.ticket_code, event_id=event.pk, by=self.staff)
        viewers.join(watched, key="k" * 32)
        self.room_pass = viewers.join_for_pass(passed)[0].rpartition("/")[2]
        incoming = IncomingPayment.objects.get()
        take_back(incoming, amount_msats=10_000, reason=Refund.Reason.STAFF)
        stray_money()
        queue_mail(self.pending, "tickets")
        MessageFactory(event=event)
        new = UnprovenUserFactory(email="new@example.com", password="a long enough password")
        claim = EmailAddress.objects.create(user=new, email=new.email, primary=True)
        invoice = self.pending.payment.invoices.get()
        invitation = InvitationFactory(organizer=OrganizerFactory())
        event.organizer = invitation.organizer
        event.save()
        MembershipFactory(organizer=invitation.organizer)
        schedule = ScheduledExportFactory(organizer=invitation.organizer, event=event)
        ExportMailFactory(schedule=schedule, recipient=self.staff)
        self.names = {
            "/orders/{token}": [self.paid.token, self.pending.token],
            "/seats/{token}": [mailbox_path(self.pending).rpartition("/")[2]],
            "/events/preview/{token}": [preview_path(event).rpartition("/")[2]],
            "/tickets/{token}": [ticket.token for ticket in self.tickets],
            "/room/{text}": [self.room_pass],
            "/api/tickets/{pk}": [str(self.tickets[0].pk)],
            "/api/orders/{pk}": [str(self.paid.pk), str(self.pending.pk)],
            "/api/events/{pk}": [event.pk],
            "/api/users/{pk}": [self.ann.pk, self.staff.pk],
            "/accounts/confirm-email/{key}": [EmailConfirmationHMAC(claim).key],
            "/accounts/2fa/webauthn/keys/{pk}": [1],
            "{uidb36}": [user_pk_to_url_str(self.ann)],
            "{key}": [default_token_generator.make_token(self.ann)],
            "{user_id}": [self.ann.pk],
            "{slug}": [event.slug],
            f"/api/events/{event.pk}/ticket-types/{{pk}}": [event.default_type_id],
            "{event_id}": [event.pk],
            "{seed}": [event.pk],
            "{invoice_id}": [invoice.invoice_id],
            "{reference}": [self.pending.payment.reference],
            "{payment_hash}": [invoice.payment_hash],
            "/.well-known/lnurlp/{name}": [self.pending.payment.reference],
            "/media/covers/{name}": ["none.png"],
            "/accounts/invitations/{token}": [token_of(invitation)],
            "/unsubscribe/{token}": [unsubscribe_url(None, "ann@example.com").rpartition("/")[2]],
            "/organizers/{slug}": [invitation.organizer.slug],
            "/admin/{app_label}": ["tickets"],
            "/admin/{url}": ["nowhere"],
            "{table}": ["orders", "payments"],
            "{name}": [draw_receipt(self.paid).name],
        }

    def addresses(self, route: str) -> list[str]:
        """`route` with every row it can be about; a placeholder nobody has named fails."""
        if of_admin := re.match(r"/admin/(\w+)/(\w+)/\{object_id\}", route):
            model = apps.get_model(*of_admin.groups())
            rows = [str(row.pk).replace(":", "_3A") for row in model.objects.all()[:2]]
            actions = [one.name for one in getattr(admin.site.get_model_admin(model), "staff_actions", [])]
            return [
                path.replace("{action}", action)
                for path in (route.replace("{object_id}", row) for row in rows)
                for action in (actions if "{action}" in path else [""])
            ]
        paths = [route]
        while unfilled := [path for path in paths if "{" in path]:
            placeholder = re.search(r"\{\w+\}", unfilled[0])[0]
            before = unfilled[0].partition(placeholder)[0] + placeholder
            values = self.names.get(before) or self.names.get(placeholder)
            assert values, f"say in `names` what stands for {placeholder} in {route}"
            done = [path for path in paths if "{" not in path]
            paths = done + [path.replace(placeholder, str(one), 1) for path in unfilled for one in values]
        return paths

    def browser(self, who: str) -> Client:
        """A browser of `who`, which watches nothing yet, and a program with every token they may hold."""
        headers = {"Order-Token": self.paid.token, "Ticket-Token": self.tickets[0].token}
        if user := getattr(self, who, None):
            headers["Authorization"] = f"Bearer {issue_token(user)}"
        browser = Client(raise_request_exception=False, headers=headers)
        if user:
            browser.force_login(user)
        return browser


def answer_of(browser: Client, method: str, path: str):
    answer = getattr(browser, method)(path)
    if answer.streaming:
        answer.close()
    return answer


@pytest.fixture
def shop(settings) -> Shop:
    settings.LIMITS = {name: (10**6, seconds) for name, (_most, seconds) in settings.LIMITS.items()}
    return Shop()


def tables() -> dict[str, list]:
    models = [model for model in apps.get_models() if model._meta.label not in NOT_COMPARED]
    return {model._meta.label: sorted(map(repr, model._base_manager.values_list())) for model in models}


class Writes:
    """Whether something was written that is compared: reading all tables for each address takes minutes."""

    statement = re.compile(r"\s*(?!SELECT|SAVEPOINT|RELEASE|ROLLBACK|BEGIN|SET|NOTIFY)", re.IGNORECASE)
    left_out = re.compile("|".join(apps.get_model(label)._meta.db_table for label in sorted(NOT_COMPARED)))
    seen = False

    def __call__(self, execute, sql, params, many, context):
        self.seen |= bool(self.statement.match(sql) and not self.left_out.search(sql))
        return execute(sql, params, many, context)


def changed(before: dict, after: dict) -> set[str]:
    return {label for label in after if before.get(label) != after[label]}


@pytest.mark.parametrize("who", ["nobody", "ann", "staff"])
def test_no_get_and_no_head_changes_anything(shop, who):
    browser = shop.browser(who)
    first = before = tables()
    wrong = []
    for route in routes():
        for path in shop.addresses(route):
            with connection.execute_wrapper(writes := Writes()):
                statuses = [answer_of(browser, method, path).status_code for method in ("head", "get")]
            after = tables() if writes.seen else before
            if extra := changed(before, after) - MAY_WRITE.get(route, set()):
                wrong.append((route, statuses, extra))
            before = after
    assert wrong == []
    assert changed(first, tables()) <= set().union(*MAY_WRITE.values())


@pytest.mark.parametrize("who", ["nobody", "ann", "staff"])
def test_no_answer_tells_the_streams_address(shop, who):
    """Somebody else is in the room; whoever asks holds the order's and the ticket's token."""
    told = []
    for route in routes():
        if who == "staff" and route in TELL_STAFF:
            continue
        for path in shop.addresses(route):
            for method in ("get", "post", "patch") if "/api/" in path else ("get", "post"):
                answer = answer_of(shop.browser(who), method, path)
                text = "" if answer.streaming else answer.content.decode("latin-1")
                if "canary.example" in text + str(answer.headers):
                    told.append((method, route, answer.status_code))
    assert told == []
    assert Event.objects.get().stream_url == STREAM


def test_no_page_made_with_a_session_is_kept_by_a_cache(shop):
    browser, kept = shop.browser("ann"), []
    for route in routes():
        for path in shop.addresses(route):
            answer = answer_of(browser, "get", path)
            page = answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
            if page and "no-store" not in answer.headers.get("Cache-Control", ""):
                kept.append(route)
    assert kept == []


def test_the_page_of_seats_held_is_kept_by_no_cache(client):
    """It holds the order's secret link."""
    event = EveningFactory(price_sats=0)
    client.get(f"/events/{event.slug}")
    session = client.session
    session["anything"] = "kept"
    session.save()
    page = client.get(f"/events/{event.slug}")
    assert page.headers["Cache-Control"] == "private, no-store"
    assert "no-store" not in Client().get(f"/events/{event.slug}").headers.get("Cache-Control", "")


def test_the_room_tells_it_to_the_viewer_in_place(shop):
    """The same question finds it where it is meant to be: the tests above look with open eyes."""
    browser = Client()
    page = browser.post(f"{shop.tickets[0].get_absolute_url()}/stream/join", follow=True)
    assert STREAM in page.content.decode()
    assert "https://canary.example" in page.headers["Content-Security-Policy"]


def test_a_wallets_get_makes_its_invoice(shop):
    """The one exception is needed."""
    asked = Client().get(f"/api/uma/payreq/{shop.pending.payment.reference}", {"amount": "1000000"})
    assert asked.status_code in (200, 503), asked.content
    assert Invoice.objects.filter(payment=shop.pending.payment).count() >= 1

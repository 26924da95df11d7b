"""Matrix of roles: every role, on every admin page, action, autocomplete and endpoint, own and foreign rows.

The cells are made of the admin's registry, its URLs and the API's description; what is expected stands here
by hand. Whatever is new there and has no line here fails.
"""

import itertools
import uuid
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db.models import ForeignKey
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from rest_framework.views import APIView

from accounts.authentication import issue_token
from accounts.history import by_command, record
from accounts.models import User
from accounts.roles import ABILITIES, Role, may
from payments.models import Payment, Refund
from tests.acts import hold, pay
from tests.factories import (
    CheckInFactory,
    CheckupFactory,
    EventChangeFactory,
    EventFactory,
    FormerSlugFactory,
    InvitationFactory,
    MailFactory,
    MembershipFactory,
    OrganizerFactory,
    PostTransactionFactory,
    RefundFactory,
    StaffFactory,
    SweepFactory,
    UsageFactory,
    UserFactory,
    VaspNonceFactory,
    ViewerFactory,
    WebhookEventFactory,
)
from tickets.models import Announcement
from ticketsuma.api_urls import openapi

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR, NOBODY, STRANGER = "operator", "nobody", "stranger"
EVERYBODY = [*Role.values, OPERATOR, NOBODY, STRANGER]
OWNERS = {"owner"}
MANAGERS = {"owner", "manager"}
MONEY = {"owner", "finance", "reader"}
MOVERS = {"owner", "finance"}
GUESTS = {"owner", "manager", "finance", "reader"}
DOORS = {"owner", "manager", "door"}
OPERATORS: set[str] = set()  # who see everything, everywhere

# Who sees the rows of a model; who writes them by a form; who adds and deletes them. Operators besides.
SEES = {
    "accounts.user": OPERATORS, "accounts.historyentry": OPERATORS, "accounts.usage": OPERATORS,
    "events.event": GUESTS, "events.formerslug": MANAGERS, "events.organizer": GUESTS,
    "events.membership": OWNERS, "events.invitation": OWNERS,
    "payments.payment": MONEY, "payments.invoice": MONEY, "payments.incomingpayment": MONEY,
    "payments.refund": MONEY, "payments.webhookevent": OPERATORS, "payments.posttransaction": OPERATORS,
    "payments.vaspnonce": OPERATORS, "payments.checkup": OPERATORS, "payments.sweep": OPERATORS,
    "tickets.order": GUESTS, "tickets.ticket": GUESTS, "tickets.checkin": GUESTS, "tickets.viewer": GUESTS,
    "tickets.mail": MANAGERS, "tickets.announcement": MANAGERS, "tickets.eventchange": MANAGERS,
}  # fmt: skip
CHANGES = {"events.event": MANAGERS, "events.organizer": OWNERS, "accounts.user": OPERATORS}
ADDS = {"events.event": MANAGERS, "events.organizer": OPERATORS}
DELETES = {"events.event": MANAGERS, "events.organizer": OPERATORS}
ACTS = {
    ("events.event", "cancel"): OWNERS, ("events.event", "retry-failed"): MOVERS,
    ("events.organizer", "invite"): OWNERS, ("events.organizer", "close"): OPERATORS,
    ("events.membership", "role"): OWNERS, ("events.membership", "remove"): OWNERS,
    ("events.invitation", "withdraw"): OWNERS,
    ("tickets.order", "reconcile"): MONEY, ("tickets.order", "push"): MANAGERS,
    ("tickets.order", "mail"): MANAGERS, ("tickets.order", "viewers"): MANAGERS,
    ("tickets.order", "refund-part"): MOVERS, ("tickets.order", "refund"): MOVERS,
    ("tickets.order", "cancel"): MANAGERS, ("tickets.order", "forget"): OPERATORS,
    ("tickets.order", "email"): MANAGERS, ("tickets.order", "replace-links"): MANAGERS,
    ("tickets.ticket", "void"): MOVERS, ("tickets.ticket", "replace"): MANAGERS,
    ("payments.refund", "retry"): MOVERS, ("payments.refund", "address"): MOVERS,
    ("payments.incomingpayment", "attach"): OPERATORS, ("payments.incomingpayment", "refund"): OPERATORS,
    **{(model, "try-again"): OPERATORS for model in (
        "tickets.order", "tickets.mail", "payments.payment", "payments.invoice", "payments.incomingpayment",
        "payments.refund", "payments.webhookevent",
    )},
}  # fmt: skip
# What the API's operations of staff need; the rest is for anybody, or about one's own.
STAFF_API = {
    "create_event": MANAGERS, "replace_event": MANAGERS, "change_event": MANAGERS, "delete_event": MANAGERS,
    "check_in": DOORS,
}  # fmt: skip
OPEN_API = {
    "list_events", "get_event", "get_order", "cancel_order", "check_order", "correct_email",
    "give_refund_address", "replace_links", "replace_ticket", "void_ticket", "payment_status", "join",
    "ticket_status", "purchase", "validate_ticket", "sign_up", "get_user", "replace_user", "change_user",
    "delete_user", "export_user", "my_tickets", "login", "logout", "me", "ask_for_reset", "reset_password",
    "verify_email", "verify_again",
}  # fmt: skip
SITE_PAGES = {
    "index", "login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n",
    "app_list",
}  # fmt: skip
MODEL_PAGES = {"changelist", "add", "history", "delete", "change", "act", "statement"}


# -- the world ----------------------------------------------------------------------------------
def half(word: str) -> dict:
    """An organizer named `word`, with a row of every model of theirs; by label."""
    organizer = OrganizerFactory(name=f"Organizer {word}")
    event = EventFactory(title=f"Evening {word}", organizer=organizer)
    order = hold(
        event, name=f"Guest {word}", email=f"guest-{word}@example.com", uma_address="$a@wallet.example.com"
    )
    incoming = pay(order)
    ticket = order.tickets.get()
    was = {
        "title": f"Was {word}",
        "start_time": timezone.now(),
        "end_time": timezone.now(),
        "timezone": "UTC",
    }
    announced, _is_new = Announcement.objects.update_or_create(event=event, defaults=was)
    rows = [
        organizer, EventFactory(title=f"Unsold {word}", organizer=organizer, is_active=False), order, ticket,
        incoming, order.payment, order.payment.invoices.first(), announced,
        CheckInFactory(ticket=ticket), ViewerFactory(ticket=ticket), MailFactory(order=order),
        EventChangeFactory(event=event, is_move=True, **was), FormerSlugFactory(event=event),
        RefundFactory(incoming_payment=incoming, amount_msats=1, status=Refund.Status.FAILED),
        MembershipFactory(organizer=organizer), InvitationFactory(organizer=organizer),
    ]  # fmt: skip
    return {row._meta.label_lower: row for row in rows} | {"sold": event}


@pytest.fixture
def world(role, client, settings):
    """Own and foreign rows, and a client of somebody with `role` for the own organizer."""
    settings.STAFF_SECOND_FACTOR = "optional"
    own, foreign = half("own"), half("foreign")
    SweepFactory(read_until=timezone.now())
    under_the_hood = [
        CheckupFactory(), UsageFactory(key="k"), VaspNonceFactory(), WebhookEventFactory(),
        PostTransactionFactory(incoming_payment=own["payments.incomingpayment"]), UserFactory(),
    ]  # fmt: skip
    with by_command("test"):
        under_the_hood.append(record("press", own["tickets.order"]))
    under_the_hood.append(SweepFactory._meta.model.objects.get())
    hood = {row._meta.label_lower: row for row in under_the_hood}
    user = None
    if role == OPERATOR:
        user = StaffFactory()
    elif role == NOBODY:
        user = UserFactory()
    elif role != STRANGER:
        user = UserFactory()
        MembershipFactory(
            organizer=own["events.organizer"],
            user=user,
            role=role,
            events=[own["sold"]] if role == "door" else [],
        )
    if user:
        client.force_login(user)
    return World(role, client, user, own, foreign, hood)


class World:
    def __init__(self, role, client, user, own, foreign, hood):
        self.role, self.client, self.user = role, client, user
        self.own, self.foreign, self.hood = own, foreign, hood
        self.wrong: list[str] = []

    @property
    def comes_in(self) -> bool:
        return self.role not in (NOBODY, STRANGER)

    def is_among(self, roles: set[str]) -> bool:
        return self.role == OPERATOR or self.role in roles

    def expect(self, cell: str, answer, *statuses: int) -> None:
        expected = statuses if self.comes_in else (302,)
        if self.role == NOBODY and 403 in statuses and answer.status_code == 403:
            return  # signed in, and told so outside of the admin
        if not self.comes_in and "/login/" not in answer.get("Location", ""):
            self.wrong.append(f"{cell}: not led to sign in, but {answer.status_code}")
        if answer.status_code not in expected:
            self.wrong.append(f"{cell}: {answer.status_code} instead of {expected}")

    def rows(self, label: str) -> dict:
        """A row of `label` that is one's own, another's, and one that is not there."""
        if label in self.hood:
            return {"hood": self.hood[label], "missing": None}
        return {"own": self.own[label], "foreign": self.foreign[label], "missing": None}


def url(model, page: str, row=..., *more) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    if row is ...:
        return reverse(name)
    missing = uuid.UUID(int=0) if model._meta.pk.get_internal_type() == "UUIDField" else 999_999_999
    return reverse(name, args=[missing if row is None else row.pk, *more])


def looks(answer) -> tuple:
    return answer.status_code, answer.get("Location", "")


# -- pages --------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", EVERYBODY)
def test_every_page_of_every_model(world):
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        sees, changes = world.is_among(SEES[label]), label in CHANGES and world.is_among(CHANGES[label])
        adds, deletes = (label in who and world.is_among(who[label]) for who in (ADDS, DELETES))
        listed = world.client.get(url(model, "changelist"))
        world.expect(f"{label} list", listed, 200 if sees else 403)
        if sees:
            check_list(world, model, page, listed)
        world.expect(f"{label} add", world.client.get(url(model, "add")), 200 if adds else 403)
        world.expect(f"{label} add, POST", world.client.post(url(model, "add"), {}), 200 if adds else 403)
        answers = {}
        for whose, row in world.rows(label).items():
            is_there = whose in ("own", "hood") or (whose == "foreign" and world.role == OPERATOR)
            cells = {
                "change": (world.client.get(url(model, "change", row)), sees),
                "change, POST": (world.client.post(url(model, "change", row), {}), changes),
                "delete": (world.client.get(url(model, "delete", row)), deletes),
                "delete, POST": (
                    None if is_there else world.client.post(url(model, "delete", row), {}),
                    deletes,
                ),
                "history": (world.client.get(url(model, "history", row)), sees),
            }
            for name, (answer, is_allowed) in cells.items():
                if answer is None:
                    continue
                if label == "events.organizer" and "delete" in name and whose != "missing":
                    is_allowed = is_allowed and not is_there  # those two have held events
                answers[name, whose] = looks(answer)
                not_there = 404 if name == "history" else 302
                refused = 404 if name == "history" and not (is_there and sees) else 403
                expected = 200 if is_there else not_there
                world.expect(f"{label} {name} {whose}", answer, expected if is_allowed else refused)
        for (name, whose), look in answers.items():
            if whose == "foreign" and world.role != OPERATOR and world.comes_in:
                assert look == answers[name, "missing"], f"{label} {name}: a foreign row is told from none"
    assert world.wrong == []


def check_list(world, model, page, listed) -> None:
    """A list, and what a search finds in it, holds nothing of others; and what is one's own."""
    label = model._meta.label_lower
    shown = {row.pk for row in listed.context["cl"].queryset}
    if world.role == OPERATOR:
        assert {row.pk for row in world.rows(label).values() if row} <= shown, label
        return
    assert world.own[label].pk in shown, f"{label}: one's own is not listed"
    for words in ("foreign", "guest-foreign@example.com", world.foreign["tickets.order"].code, ""):
        found = world.client.get(url(model, "changelist"), {"q": words}).context["cl"]
        theirs = {row.pk for row in model._default_manager.all()} - mine(world, model)
        assert not {row.pk for row in found.queryset} & theirs, f"{label}: others' rows are found by {words}"


def mine(world, model) -> set:
    """By the organizer's name on the way, so by another way than the one function's."""
    path = "__".join(filter(None, [model.organizer_path, "name"]))
    return {row.pk for row in model._default_manager.filter(**{path: "Organizer own"})}


@pytest.mark.parametrize("role", EVERYBODY)
def test_every_action(world):
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        for action in getattr(page, "staff_actions", []):
            among, sees = world.is_among(ACTS[label, action.name]), world.is_among(SEES[label])
            for whose, row in world.rows(label).items():
                is_there = whose in ("own", "hood") or (whose == "foreign" and world.role == OPERATOR)
                for method in ("get", "post"):
                    answer = getattr(world.client, method)(url(model, "act", row, action.name))
                    cell = f"{label} {action.name} {whose} {method}"
                    if not (is_there and sees):
                        world.expect(cell, answer, 404)
                    elif among:
                        world.expect(cell, answer, 200, 302)
                    else:
                        world.expect(cell, answer, 403)
    assert world.wrong == []
    assert set(ACTS) == {
        (model._meta.label_lower, action.name)
        for model, page in admin.site._registry.items()
        for action in getattr(page, "staff_actions", [])
    }


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_page_has_the_buttons_that_work(world):
    if not world.comes_in:
        return
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        if not getattr(page, "staff_actions", []) or not world.is_among(SEES[label]):
            continue
        [row] = [row for whose, row in world.rows(label).items() if whose in ("own", "hood")]
        shown = {one.name for one in world.client.get(url(model, "change", row)).context["staff_actions"]}
        assert shown <= {name for (of, name), who in ACTS.items() if of == label and world.is_among(who)}


@pytest.mark.parametrize("role", EVERYBODY)
def test_every_autocomplete(world):
    for model in admin.site._registry:
        for field in model._meta.fields:
            target = field.related_model
            if not isinstance(field, ForeignKey) or not admin.site.is_registered(target):
                continue
            if not admin.site.get_model_admin(target).search_fields:
                continue
            asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}
            answer = world.client.get(
                reverse("admin:autocomplete"), {"term": "", "field_name": field.name} | asked
            )
            sees = world.is_among(SEES[target._meta.label_lower])
            world.expect(f"{model._meta.label}.{field.name}", answer, 200 if sees else 403)
            if answer.status_code == 200 and world.role != OPERATOR:
                found = {one["id"] for one in answer.json()["results"]}
                assert found <= {str(pk) for pk in mine(world, target)}, f"{model}.{field.name}"
    assert world.wrong == []


@pytest.mark.parametrize("role", EVERYBODY)
def test_the_other_pages_of_staff(world):
    own, foreign = world.own["sold"], world.foreign["sold"]
    organizers = [world.own["events.organizer"], world.foreign["events.organizer"], None]
    model = type(organizers[0])
    for organizer, is_own in zip(organizers, (True, False, False), strict=True):
        answer = world.client.get(url(model, "statement", organizer))
        is_there = is_own or (world.role == OPERATOR and organizer is not None)
        sees = is_there and world.is_among(SEES["events.organizer"])
        world.expect("statement", answer, (200 if world.is_among(MONEY) else 403) if sees else 404)
    minds = world.is_among(DOORS)
    world.expect("doors", world.client.get("/door"), 200 if minds else 403)
    for event, is_own in ((own, True), (foreign, False)):
        is_there = is_own or world.role == OPERATOR
        expected = (200 if is_there else 404) if minds else 403
        world.expect("door", world.client.get(f"/door/{event.pk}"), expected)
        world.expect("scan", world.client.post(f"/door/{event.pk}", {"code": "x"}), expected)
    world.expect("no door", world.client.get("/door/999999"), 404 if minds else 403)
    unsold = world.own["events.event"]  # no door that a volunteer was given
    world.expect(
        "another door",
        world.client.get(f"/door/{unsold.pk}"),
        200 if world.is_among(MANAGERS) else 404 if minds else 403,
    )
    if minds:
        listed = {event.pk for event in world.client.get("/door").context["events"]}
        assert (own.pk in listed, foreign.pk in listed) == (True, world.role == OPERATOR)
    index = world.client.get("/admin/")
    world.expect("index", index, 302 if role_of_door(world) else 200)
    if index.status_code == 200:
        menu = {model["object_name"].lower() for app in index.context["app_list"] for model in app["models"]}
        assert menu == {label.split(".")[1] for label, who in SEES.items() if world.is_among(who)}
        assert "Evening foreign" not in index.content.decode() or world.role == OPERATOR
    assert world.wrong == []


def role_of_door(world) -> bool:
    return world.role == "door"


def test_no_page_of_the_admin_is_left_out():
    def names(patterns):
        for one in patterns:
            yield from names(one.url_patterns) if hasattr(one, "url_patterns") else [one.name]

    pages = {name for name in names(admin.site.get_urls()) if name}
    of_models = {f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry}
    left = pages - SITE_PAGES
    assert {name.rpartition("_")[2] for name in left} == MODEL_PAGES
    assert {name.rpartition("_")[0] for name in left} == of_models
    assert set(SEES) == {model._meta.label_lower for model in admin.site._registry}
    assert {*Role.values} == {*ABILITIES}


# -- the API ------------------------------------------------------------------------------------
WRITTEN = {
    "title": "New", "start_time": (timezone.now() + timedelta(days=1)).isoformat(), "capacity": 5,
    "end_time": (timezone.now() + timedelta(days=2)).isoformat(), "price_sats": 0,
}  # fmt: skip


def test_no_operation_of_the_api_is_left_out():
    operations = {o["operationId"] for methods in openapi()["paths"].values() for o in methods.values()}
    assert operations == set(STAFF_API) | OPEN_API
    tagged = {
        o["operationId"] for ms in openapi()["paths"].values() for o in ms.values() if "staff" in o["tags"]
    }
    assert tagged == set(STAFF_API)


def test_no_view_of_the_api_is_outside_its_description():
    def views(patterns):
        for one in patterns:
            if hasattr(one, "url_patterns"):
                yield from views(one.url_patterns)
            elif cls := getattr(one.callback, "cls", None):
                yield cls

    found = {view for view in views(get_resolver().url_patterns) if issubclass(view, APIView)}
    assert {view.__name__ for view in found if view.schema is None} == {"ApiNotFound"}


@pytest.mark.parametrize("role", EVERYBODY)
def test_every_endpoint_of_staff(world):
    api = Client(headers={"Authorization": f"Bearer {issue_token(world.user)}"} if world.user else {})
    own, foreign = world.own["events.event"], world.foreign["events.event"]
    codes = {
        event.pk: event.orders.get().tickets.get().ticket_code
        for event in (world.own["sold"], world.foreign["sold"])
    }
    refused = 401 if world.role == STRANGER else 403

    def send(operation, pk, **body):
        path, method = next(
            (path, method)
            for path, methods in openapi()["paths"].items()
            for method, one in methods.items()
            if one["operationId"] == operation
        )
        return getattr(api, method)(path.replace("{id}", str(pk)), body, "application/json")

    wrong = []

    def expect(cell, answer, among, *statuses):
        expected = statuses if world.is_among(among) else (refused,)
        if answer.status_code not in expected:
            wrong.append(f"{cell}: {answer.status_code} {answer.content[:200]!r} instead of {expected}")

    everywhere = world.role == OPERATOR
    for operation, body in (
        ("change_event", {"title": "Other"}),
        ("replace_event", WRITTEN),
        ("delete_event", {}),
    ):
        among = STAFF_API[operation]
        good = 204 if operation == "delete_event" else 200
        missing = send(operation, 999_999_999, **body)
        expect(f"{operation} missing", missing, among, 404)
        answer = send(operation, foreign.pk, **body)
        expect(f"{operation} foreign", answer, among, good if everywhere else 404)
        if not everywhere and world.comes_in:
            assert answer.json()["code"] == missing.json()["code"]
        expect(f"{operation} own", send(operation, own.pk, **body), among, good)
    among = STAFF_API["create_event"]
    own_id, foreign_id = world.own["events.organizer"].pk, world.foreign["events.organizer"].pk
    expect("create_event own", send("create_event", "", **WRITTEN, organizer_id=own_id), among, 201)
    expect("create_event", made := send("create_event", "", **WRITTEN), among, 201)
    if world.role in among:
        assert made.json()["organizer_id"] == own_id
    answer = send("create_event", "", **WRITTEN, organizer_id=foreign_id)
    expect("create_event foreign", answer, among, 201 if everywhere else 400)
    missing = send("create_event", "", **WRITTEN, organizer_id=999_999_999)
    expect("create_event missing", missing, among, 400)
    if world.role in among:
        assert answer.json()["errors"] == missing.json()["errors"]
    among = STAFF_API["check_in"]
    for event, whose in ((world.own["sold"], "own"), (world.foreign["sold"], "foreign")):
        answer = send("check_in", "", ticket_code=codes[event.pk], event_id=event.pk, nonce="n" * 16)
        expect(f"check_in {whose}", answer, among, 409 if whose == "own" or everywhere else 404)
    answer = send("check_in", "", ticket_code="x" * 8, event_id=999_999_999, nonce="n" * 16)
    expect("check_in missing", answer, among, 404)
    assert wrong == []


@pytest.mark.parametrize("role", EVERYBODY)
def test_hidden_events_are_there_for_their_own_staff(world):
    api = Client(headers={"Authorization": f"Bearer {issue_token(world.user)}"} if world.user else {})
    own, foreign = world.own["events.event"], world.foreign["events.event"]  # both hidden
    listed = {event["id"] for event in api.get("/api/events").json()["results"]}
    sees = world.is_among(GUESTS)
    assert (own.pk in listed, foreign.pk in listed) == (sees, world.role == OPERATOR)
    assert api.get(f"/api/events/{own.pk}").status_code == (200 if sees else 404)
    assert api.get(f"/api/events/{foreign.pk}").status_code == (200 if world.role == OPERATOR else 404)


# -- at once ------------------------------------------------------------------------------------
def test_a_role_that_is_taken_away_counts_in_an_open_session(client):
    member = MembershipFactory(role="finance")
    client.force_login(member.user)
    assert client.get(url(Payment, "changelist")).status_code == 200
    member.role = "door"
    member.save()
    assert client.get(url(Payment, "changelist")).status_code == 403
    member.delete()
    assert client.get(url(Payment, "changelist")).status_code == 302


def test_who_is_shut_out_or_has_an_unproven_mailbox_has_no_role(client):
    member = MembershipFactory(role="owner")
    client.force_login(member.user)
    member.user.emailaddress_set.update(verified=False)
    assert client.get("/admin/").status_code == 302
    member.user.emailaddress_set.update(verified=True)
    assert client.get("/admin/").status_code == 200
    User.objects.filter(pk=member.user.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_roles_cost_one_statement_a_request(django_assert_num_queries):
    member = MembershipFactory(role="manager")
    user = User.objects.get(pk=member.user.pk)
    events = [EventFactory(organizer=member.organizer) for _ in range(3)]
    with django_assert_num_queries(2):  # the memberships, and whether the mailbox is proven
        for event, ability in itertools.product(events, ABILITIES["owner"]):
            assert user.is_staff
            assert may(user, ability, event) == (ability in ABILITIES["manager"])

"""Matrix of roles: every role, on every admin page, action, autocomplete and endpoint, own and foreign rows.

The cells are made of the admin's registry, its URLs and the API's description; what is expected stands here
by hand. Whatever is new there and has no line here fails.
"""

import itertools

import pytest
from django.contrib import admin
from django.db.models import ForeignKey
from django.urls import reverse

from accounts.models import User
from accounts.roles import ABILITIES, Role, may
from payments.models import Payment
from tests.factories import EventFactory, MailFactory, MembershipFactory, WebhookEventFactory

from .roles_world import (
    ACTS,
    ADDS,
    CHANGES,
    DELETES,
    DOORS,
    EVERYBODY,
    MANAGERS,
    MODEL_PAGES,
    MONEY,
    OPERATOR,
    SEES,
    SITE_PAGES,
    looks,
    make_world,
    mine,
    url,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(role, client, settings):
    return make_world(role, client, settings)


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


@pytest.mark.parametrize("role", ["manager", "reader", OPERATOR])
def test_an_orders_page_tells_of_money_and_of_the_hood_to_those_who_see_them(world):
    order, incoming = world.own["tickets.order"], world.own["payments.incomingpayment"]
    WebhookEventFactory(event_id="told", entity_id=incoming.node_payment_id, type="PAYMENT_FINISHED")
    MailFactory(order=order, kind="confirm", last_error="smtp.internal refused")
    page = world.client.get(url(type(order), "change", order)).content.decode()
    assert (incoming.node_payment_id in page) == world.is_among(MONEY)
    assert ("settled" in page) == world.is_among(MONEY)
    assert ("PAYMENT_FINISHED" in page, "smtp.internal" in page) == (world.is_among(set()),) * 2


@pytest.mark.parametrize("role", ["manager", "reader", "finance"])
def test_the_streams_address_is_for_those_who_set_it(world):
    page = world.client.get(url(type(world.own["sold"]), "change", world.own["sold"])).content.decode()
    assert ("stream.example/secret" in page) == world.is_among(MANAGERS)


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

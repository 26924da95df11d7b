"""Teams of organizers: invitations by mail, roles, the last owner, and what stays when one is closed."""

import re
import threading
from datetime import timedelta

import pytest
from allauth.core.context import request_context
from django.core import mail
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from accounts.history import HistoryEntry
from accounts.models import User
from events import team
from events.models import Event, Invitation, Membership, Organizer
from tests.factories import EventFactory, MembershipFactory, OrganizerFactory, StaffFactory, UserFactory
from tickets.tests.admin_client import act, change_url, told

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def some_request(rf):
    """allauth renders mails for the request that is being answered."""
    with request_context(rf.get("/")):
        yield


@pytest.fixture
def owner():
    return MembershipFactory(role="owner")


@pytest.fixture
def desk(client, owner):
    """The browser of an owner."""
    client.force_login(owner.user)
    return client


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def mailed_link() -> str:
    return re.search(r"http\S+(/accounts/invitations/\S+)", mail.outbox[-1].body)[1]


# -- inviting ---------------------------------------------------------------------------------
def test_an_owner_invites_by_mail_and_the_mailbox_takes_the_role(desk, owner):
    page = act(desk, owner.organizer, "invite", email="Bea@Example.com", role="finance")
    assert told(page) == ["An invitation was mailed to bea@example.com."]
    assert (mail.outbox[-1].to, owner.organizer.name in mail.outbox[-1].body) == (["bea@example.com"], True)
    bea = UserFactory(email="bea@example.com")
    browser = browser_of(bea)
    assert not User.objects.get(pk=bea.pk).is_staff
    page = browser.get(mailed_link())
    assert "Take the role" in page.content.decode()
    assert Membership.objects.count() == 1, "opening the link alone changes nothing"
    assert browser.post(mailed_link())["Location"] == "/admin/"
    joined = Membership.objects.get(user=bea)
    assert (joined.role, User.objects.get(pk=bea.pk).is_staff, User.objects.get(pk=bea.pk).is_superuser) == (
        "finance", True, False,
    )  # fmt: skip
    assert browser.get("/admin/").status_code == 200
    assert browser.get(mailed_link()).status_code == 410, "it is good once"
    acts = list(HistoryEntry.objects.order_by("pk").values_list("act", "actor_email", "role"))
    assert acts == [("invite", owner.user.email, "owner"), ("join", "bea@example.com", "finance")]


def test_only_the_invited_mailbox_takes_the_role(owner):
    invitation = team.invite(owner.organizer, email="bea@example.com", role="owner")
    eve = UserFactory(email="eve@example.com")
    for client in (Client(), browser_of(eve)):
        page = client.get(mailed_link()).content.decode()
        assert "Take the role" not in page
        assert "bea@example.com" in page
        client.post(mailed_link())
    with pytest.raises(team.BadInvitation):
        team.accept(invitation, eve)
    bea = UserFactory(email="bea@example.com")
    bea.emailaddress_set.update(verified=False)
    with pytest.raises(team.BadInvitation):
        team.accept(invitation, User.objects.get(pk=bea.pk))
    assert Membership.objects.count() == 1


def test_who_has_no_account_makes_one_on_the_way(client, owner):
    team.invite(owner.organizer, email="new@example.com", role="manager")
    link = mailed_link()
    page = client.get(link).content.decode()
    assert f"/accounts/signup/?next={link}" in page.replace("%3A", ":")
    client.post(
        f"/accounts/signup/?next={link}", {"email": "new@example.com", "password1": PASSWORD, "next": link}
    )
    code = mail.outbox[-1].body.split("\n\n")[2]
    answer = client.post("/accounts/confirm-email/", {"code": code}, follow=True)
    assert answer.redirect_chain[-1][0] == link
    client.post(link)
    assert Membership.objects.get(user__email="new@example.com").role == "manager"


def test_an_invitation_ends_by_time_by_another_and_by_being_withdrawn(desk, owner):
    team.invite(owner.organizer, email="bea@example.com", role="reader")
    first = mailed_link()
    team.invite(owner.organizer, email="bea@example.com", role="manager")
    second = mailed_link()
    stranger = Client()
    assert (stranger.get(first).status_code, stranger.get(second).status_code) == (410, 200)
    invitation = Invitation.objects.get()
    Invitation.objects.update(sent_at=timezone.now() - timedelta(days=8))
    assert stranger.get(second).status_code == 410
    Invitation.objects.update(sent_at=timezone.now())
    act(desk, invitation, "withdraw")
    assert stranger.get(second).status_code == 410
    assert stranger.get("/accounts/invitations/nonsense").status_code == 410


def test_a_member_is_not_invited_again_and_a_door_has_events(desk, owner):
    member = MembershipFactory(organizer=owner.organizer, role="reader")
    page = act(desk, owner.organizer, "invite", email=member.user.email, role="owner")
    assert "has a role already" in page.content.decode()
    page = act(desk, owner.organizer, "invite", email="door@example.com", role="door")
    assert "Say which events" in page.content.decode()
    foreign = EventFactory(organizer=OrganizerFactory())
    page = act(desk, owner.organizer, "invite", email="door@example.com", role="door", events=[foreign.pk])
    assert not Invitation.objects.exists()
    event = EventFactory(organizer=owner.organizer)
    act(desk, owner.organizer, "invite", email="door@example.com", role="door", events=[event.pk])
    assert list(Invitation.objects.get().events.all()) == [event]


def test_invitations_to_one_mailbox_are_counted(desk, owner, settings):
    settings.LIMITS = settings.LIMITS | {"MAIL_PER_EMAIL": (2, 3600)}
    pages = [act(desk, owner.organizer, "invite", email="bea@example.com", role="reader") for _ in range(3)]
    assert "That was too often" in pages[-1].content.decode()
    assert len(mail.outbox) == 2


# -- roles ------------------------------------------------------------------------------------
def test_the_last_owner_neither_leaves_nor_gives_the_role_up(desk, owner):
    for name, fields in (("remove", {}), ("role", {"role": "reader"})):
        page = act(desk, owner, name, **fields)
        assert "This is the last owner" in page.content.decode()
    second = MembershipFactory(organizer=owner.organizer, role="owner")
    act(desk, owner, "remove")
    assert list(owner.organizer.memberships.all()) == [second]
    assert desk.get("/admin/").status_code == 302


def test_a_member_leaves_alone_and_the_last_owner_is_told_why_not(desk, owner):
    reader = MembershipFactory(organizer=owner.organizer, role="reader")
    browser = browser_of(reader.user)
    assert browser.get("/admin/").status_code == 200
    page = browser.get("/accounts/teams/").content.decode()
    assert (owner.organizer.name in page, "Reader" in page) == (True, True)
    page = browser.post("/accounts/teams/", {"leave": owner.pk}, follow=True)
    assert Membership.objects.count() == 2, "others' roles are not theirs to end"
    page = browser.post("/accounts/teams/", {"leave": reader.pk}, follow=True).content.decode()
    assert "You have left the team" in page
    assert "You belong to no team" in page
    assert browser.get("/admin/").status_code == 302, "it counts at once"
    again = browser.post("/accounts/teams/", {"leave": reader.pk}, follow=True).content.decode()
    assert "You are not of that team any more" in again
    page = desk.post("/accounts/teams/", {"leave": owner.pk}, follow=True).content.decode()
    assert "This is the last owner" in page
    assert Membership.objects.count() == 1
    entry = HistoryEntry.objects.latest("pk")
    assert (entry.act, entry.actor_email, entry.role) == ("leave", reader.user.email, "reader")


def test_an_owner_who_is_shut_out_keeps_nobody_in(owner):
    second = MembershipFactory(organizer=owner.organizer, role="owner")
    User.objects.filter(pk=second.user_id).update(is_active=False)
    with pytest.raises(team.LastOwner):
        team.remove(owner)


def test_of_two_owners_who_leave_at_once_one_stays(owner):
    second = MembershipFactory(organizer=owner.organizer, role="owner")
    first_left, second_tried = threading.Event(), threading.Event()

    def leave_slowly():
        with transaction.atomic():
            team.remove(owner)
            first_left.set()
            second_tried.wait(2)  # it cannot end while this one holds the organizer
        connections.close_all()

    def leave():
        first_left.wait(10)
        try:
            team.remove(second)
        except team.LastOwner:
            refused.append(True)
        second_tried.set()
        connections.close_all()

    refused: list[bool] = []
    threads = [threading.Thread(target=work) for work in (leave_slowly, leave)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (Membership.objects.count(), refused) == (1, [True])


def test_a_changed_role_counts_at_the_next_click(desk, owner):
    member = MembershipFactory(organizer=owner.organizer, role="reader")
    browser = browser_of(member.user)
    assert browser.get("/admin/payments/payment/").status_code == 200
    act(desk, member, "role", role="manager")
    assert browser.get("/admin/payments/payment/").status_code == 403
    act(desk, member, "remove")
    assert browser.get("/admin/").status_code == 302


# -- organizers -------------------------------------------------------------------------------
def test_closing_keeps_the_books_and_removes_the_people(client, owner):
    client.force_login(StaffFactory())
    event = EventFactory(organizer=owner.organizer)
    team.invite(owner.organizer, email="bea@example.com", role="reader")
    page = act(client, owner.organizer, "close")
    assert "events to come" in page.content.decode()
    over = timezone.now() - timedelta(hours=1)
    Event.objects.update(start_time=over - timedelta(hours=1), end_time=over)
    act(client, owner.organizer, "close")
    organizer = Organizer.objects.get()
    assert organizer.is_closed
    assert not Membership.objects.exists()
    assert not Invitation.objects.exists()
    assert list(organizer.events.all()) == [event]
    assert client.get(f"/admin/events/organizer/{organizer.pk}/statement").status_code == 200
    assert Client().get(organizer.get_absolute_url()).status_code == 404
    page = Client().get(event.get_absolute_url())
    assert organizer.name in page.content.decode()
    assert organizer.get_absolute_url() not in page.content.decode()


def test_an_operator_makes_an_organizer_and_invites_its_first_owner(client):
    client.force_login(StaffFactory())
    added = client.get("/admin/events/organizer/add/").context["adminform"].form
    data = {"name": "Sala Azul", "refunds_when_moved": "on", "seen": added["seen"].value() or ""}
    data |= {
        f"{prefix}-{n}_FORMS": "0" for prefix in ("memberships", "invitations") for n in ("TOTAL", "INITIAL")
    }
    client.post("/admin/events/organizer/add/", data)
    organizer = Organizer.objects.get()
    assert organizer.slug.startswith("sala-azul-")
    act(client, organizer, "invite", email="bea@example.com", role="owner")
    assert Invitation.objects.get().organizer == organizer
    assert client.get(change_url(organizer)).status_code == 200


# -- its page ---------------------------------------------------------------------------------
def test_an_organizers_page_shows_what_it_holds_next(client, django_assert_num_queries):
    organizer = OrganizerFactory(
        name="Sala Azul",
        description="**Loud**",
        legal_name="Azul SA",
        legal_address="Rua 1\nLisboa",
        tax_number="PT1",
    )
    EventFactory(title="Theirs", organizer=organizer)
    EventFactory(title="Hidden", organizer=organizer, is_active=False)
    EventFactory(title="Others'")
    page = client.get(organizer.get_absolute_url()).content.decode()
    for words in ("Sala Azul", "<strong>Loud</strong>", "Theirs", "Azul SA", "Lisboa", "PT1"):
        assert words in page
    assert "Hidden" not in page
    assert "Others" not in page
    for number in range(5):
        EventFactory(title=f"More {number}", organizer=organizer)
    with django_assert_num_queries(2):
        client.get(organizer.get_absolute_url())
    assert organizer.get_absolute_url() in client.get("/sitemap.xml").content.decode()
    event = organizer.events.first()
    event_page = client.get(event.get_absolute_url()).content.decode()
    assert f'href="{organizer.get_absolute_url()}"' in event_page
    assert client.get("/organizers/nobody").status_code == 404


def test_an_event_shows_its_organizers_name_unless_it_has_another(client):
    event = EventFactory(organizer=OrganizerFactory(name="Sala Azul"))
    assert client.get(f"/api/events/{event.pk}").json()["organizer"] == "Sala Azul"
    Event.objects.filter(pk=event.pk).update(organizer_name="Azul & friends")
    assert client.get(f"/api/events/{event.pk}").json()["organizer"] == "Azul & friends"


def test_a_new_event_begins_with_its_organizers_policies(desk, owner):
    Organizer.objects.update(refunds_when_moved=False)
    form = desk.get("/admin/events/event/add/").context["adminform"].form
    assert form["refunds_when_moved"].value() is False
    assert form["organizer"].value() == owner.organizer.pk
    assert [str(choice[0]) for choice in form.fields["organizer"].choices] == ["", str(owner.organizer.pk)]

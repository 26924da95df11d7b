"""Notes on orders: who writes and reads them, and when they go."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.history import AppendOnly, HistoryEntry
from accounts.models import User
from accounts.roles import Role
from events.models import Event
from tests.acts import hold, pay
from tests.factories import EveningFactory, MembershipFactory, OrganizerFactory, UserFactory
from tickets.models import Order
from tickets.notes.models import Note
from tickets.notes.services import GuestForgotten, write_note
from tickets.services.data_export import export_person
from tickets.services.personal_data import forget_email
from tickets.services.retention import purge
from tickets.tests.admin_client import act, act_url, change_url, list_url

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "Ann comes in a wheelchair; ring her"


@pytest.fixture
def order() -> Order:
    order = hold(EveningFactory(organizer=OrganizerFactory()), name="Ann Other", email="ann@example.com")
    pay(order)
    return order


def browser(order: Order, role: str) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organizer=order.event.organizer, role=role).user)
    return client


def page(client: Client, url: str) -> str:
    return client.get(url).content.decode()


def test_a_note_stands_among_what_happened_with_who_and_when(staff, order):
    act(staff, order, "note", text=f"{WORDS}\n<b>soon</b>")
    said = page(staff, change_url(order))
    assert WORDS in said
    assert "&lt;b&gt;soon" in said
    assert said.count("staff@example.com: ") == 1
    note = Note.objects.get()
    assert (note.by, note.by_name) == (User.objects.get(), "staff@example.com")
    assert timezone.now() - note.at < timedelta(minutes=1)


def test_the_history_says_that_and_not_what(staff, order):
    act(staff, order, "note", text=WORDS)
    entry = HistoryEntry.objects.get()
    assert (entry.act, entry.details) == ("note", {})


def test_the_list_marks_the_order_and_finds_it(staff, order):
    other = hold(EveningFactory())
    assert "✎" not in page(staff, list_url(Order))
    write_note(order, WORDS, by=User.objects.get())
    listed = page(staff, list_url(Order))
    assert listed.count("✎") == 1
    assert WORDS not in listed
    found = staff.get(list_url(Order), {"noted": "yes"}).context["cl"].result_list
    assert [*found] == [order]
    assert other.pk != order.pk


def test_it_is_never_changed(order):
    note = write_note(order, WORDS, by=UserFactory())
    with pytest.raises(AppendOnly):
        note.save()
    with pytest.raises(AppendOnly):
        Note.objects.update(text="Something else")


def test_pressed_twice_it_is_written_once(staff, order):
    seen = staff.get(act_url(order, "note")).context["form"]["seen"].value()
    for _time in range(2):
        staff.post(act_url(order, "note"), {"seen": seen, "text": WORDS})
    assert Note.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "may_write"),
    [
        (Role.OWNER, True),
        (Role.MANAGER, True),
        (Role.FINANCE, True),
        (Role.READER, False),
        (Role.DOOR, False),
    ],
)
def test_who_works_with_guests_writes_and_who_reads_guests_reads(order, role, may_write, settings):
    settings.STAFF_SECOND_FACTOR = "optional"
    write_note(order, WORDS, by=UserFactory())
    client = browser(order, role)
    assert (client.get(act_url(order, "note")).status_code == 200) is may_write
    assert (WORDS in page(client, change_url(order))) is (role != Role.DOOR)


def test_staff_of_another_organizer_neither_read_nor_write(order, settings):
    settings.STAFF_SECOND_FACTOR = "optional"
    write_note(order, WORDS, by=UserFactory())
    stranger = Client()
    stranger.force_login(MembershipFactory(organizer=OrganizerFactory(), role=Role.OWNER).user)
    assert WORDS not in page(stranger, change_url(order))
    assert stranger.post(act_url(order, "note"), {"seen": "1", "text": "Mine"}).status_code in (302, 404)
    assert Note.objects.count() == 1


def test_no_page_of_the_buyer_shows_it(order, client):
    write_note(order, WORDS, by=UserFactory())
    url = order.get_absolute_url()
    for path in (url, f"{url}/status", order.tickets.get().get_absolute_url(), f"/api/orders/{order.pk}"):
        assert WORDS not in page(client, path)
    assert WORDS in page(client, url) or "Ann Other" in page(client, url), "it is the order's page"


def test_a_person_takes_along_what_was_noted_about_them_and_not_who_wrote_it(staff):
    ann = UserFactory(email="ann@example.com")
    order = hold(EveningFactory(), buyer=ann)
    write_note(order, WORDS, by=User.objects.get(email="staff@example.com"))
    told = export_person(ann)["orders"][0]["notes"]
    assert [note["text"] for note in told] == [WORDS]
    assert "staff@example.com" not in str(told)


def test_it_goes_when_the_guest_is_forgotten_and_no_other_follows(staff, order):
    write_note(order, WORDS, by=User.objects.get())
    forget_email("ann@example.com")
    assert not Note.objects.exists()
    with pytest.raises(GuestForgotten):
        write_note(order, WORDS, by=User.objects.get())


def test_it_goes_after_the_days_that_buyers_are_kept(staff, order, settings):
    write_note(order, WORDS, by=User.objects.get())
    long_ago = timezone.now() - timedelta(days=settings.PERSONAL_DATA_DAYS + 1)
    Event.objects.update(start_time=long_ago - timedelta(hours=2), end_time=long_ago)
    Order.objects.filter(ended_at__isnull=False).update(ended_at=long_ago)
    purge()
    assert not Note.objects.exists()
    order.refresh_from_db()
    with pytest.raises(GuestForgotten):
        write_note(order, WORDS, by=User.objects.get())

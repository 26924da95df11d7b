"""Doors without a net: what they take along, and what comes of what they bring back."""

import base64
import hashlib
import json
import time
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.history import HistoryEntry
from events.catalogue_models import Admits
from tests.acts import hold, together
from tests.factories import EventFactory, MembershipFactory, OrganizerFactory, StaffFactory, UserFactory
from tickets.models import CheckIn, Order, Ticket
from tickets.offline_door.models import DoorList, OfflineScan
from tickets.offline_door.scans import MOST_AT_ONCE, Scan, merge
from tickets.services.check_ins import check_in
from tickets.services.guest_list import undo_check_in
from tickets.services.voiding import replace_ticket, void_ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event():
    return EventFactory(price_sats=0, organizer=OrganizerFactory())


@pytest.fixture
def tickets(event) -> list[Ticket]:
    order = hold(event, 2, name="Ann")
    return list(order.tickets.select_related("order__event").order_by("number"))


def post(client, event, act: str, body):
    return client.post(f"/door/{event.pk}/{act}", json.dumps(body), content_type="application/json")


def take(client, event, device=None, **more) -> dict:
    answer = post(client, event, "list", {"device": str(device or uuid.uuid4())} | more)
    assert answer.status_code == 200, answer.content
    return answer.json()


def now_ms() -> int:
    return int(time.time() * 1000)


def scan_of(ticket, *, ago=0, **more) -> dict:
    said = {"scan": uuid.uuid4().hex, "ticket": ticket.pk.hex, "generation": ticket.generation}
    return said | {"at": now_ms() - ago * 1000} | more


def bring(client, event, taken, *scans, sent_at=None):
    body = {"list": taken["list"], "sent_at": sent_at or now_ms(), "scans": list(scans)}
    return post(client, event, "merge", body)


def outcomes(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["outcome"] for each in answer.json()["scans"]]


# -- the list ---------------------------------------------------------------------------------
def test_the_list_has_every_ticket_and_no_code(staff, event, tickets):
    first, second = tickets
    void_ticket(second)
    check_in(code=first.ticket_code, event_id=event.pk, by=None)
    hold(EventFactory(price_sats=0))
    hold(event_with_price := EventFactory())  # of another event, and unpaid
    taken = take(staff, event)
    rows = {row[0]: row for row in taken["tickets"]}
    assert rows.keys() == {first.pk.hex, second.pk.hex}
    assert [rows[each.pk.hex][3] for each in tickets] == ["open", "void"]
    assert rows[first.pk.hex][4]
    assert rows[second.pk.hex][4] is None
    assert rows[first.pk.hex][5:] == ["Ann", "", first.order.code, 1, 2]
    digest = base64.b64encode(hashlib.sha256(first.ticket_code.encode()).digest()).decode()
    assert rows[first.pk.hex][1] == digest
    assert first.ticket_code not in json.dumps(taken)
    assert first.order.email not in json.dumps(taken)
    assert taken["gone_at"].startswith(f"{event.end_time:%Y-%m-%dT%H:%M}")
    assert take(staff, event_with_price)["tickets"] == []


def test_of_a_canceled_order_and_a_replay_the_list_says_so(staff, event, tickets):
    replay = hold(event).tickets.get()
    replay.line.admits = Admits.REPLAY
    replay.line.save()
    tickets[0].order.advance(Order.Status.CANCELED, ended_at=timezone.now())
    states = {row[0]: row[3] for row in take(staff, event)["tickets"]}
    assert states == {tickets[0].pk.hex: "void", tickets[1].pk.hex: "void", replay.pk.hex: "replay"}


def test_what_is_known_is_not_sent_again(staff, event, tickets):
    device = uuid.uuid4()
    taken = take(staff, event, device)
    again = take(staff, event, device, known=taken["version"])
    assert again["tickets"] is None
    assert again["list"] == taken["list"]
    hold(event)
    assert len(take(staff, event, device, known=taken["version"])["tickets"]) == 3
    assert DoorList.objects.count() == 1
    assert HistoryEntry.objects.filter(act="take_list").count() == 1


def test_only_who_minds_this_door_has_its_list(client, event, tickets):
    taken_by = UserFactory()
    other = EventFactory(price_sats=0, organizer=event.organizer)
    MembershipFactory(organizer=event.organizer, user=taken_by, role="door", events=[other])
    device = {"device": str(uuid.uuid4())}
    strangers = Client(), Client(), Client()
    strangers[1].force_login(UserFactory())
    strangers[2].force_login(taken_by)
    for act in ("list", "merge"):
        said = [post(one, event, act, device).status_code for one in strangers[:2]]
        assert said == [302, 403]
    assert post(strangers[2], event, "list", device).status_code == 404
    assert [one.get(f"/door/{event.pk}/offline").status_code for one in strangers] == [302, 403, 404]
    assert not DoorList.objects.exists()


def test_there_is_none_of_an_event_that_is_over_or_canceled(staff, event):
    for change in ({"canceled_at": timezone.now()}, {"canceled_at": None, "end_time": timezone.now()}):
        start = timezone.now() - timedelta(hours=2)
        type(event).objects.filter(pk=event.pk).update(start_time=start, **change)
        answer = post(staff, event, "list", {"device": str(uuid.uuid4())})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_door_list")


def test_the_shell_names_nobody(staff, event, tickets):
    check_in(code=tickets[0].ticket_code, event_id=event.pk, by=None)
    assert "Ann" in staff.get(f"/door/{event.pk}").content.decode()
    shell = staff.get(f"/door/{event.pk}/offline")
    assert "Ann" not in shell.content.decode()
    assert "'wasm-unsafe-eval'" in shell["Content-Security-Policy"]


# -- merging ----------------------------------------------------------------------------------
def test_a_scan_checks_in_at_its_time(staff, event, tickets):
    taken = take(staff, event)
    DoorList.objects.update(taken_at=timezone.now() - timedelta(hours=1))
    assert outcomes(bring(staff, event, taken, scan_of(tickets[0], ago=600))) == ["admitted"]
    used = CheckIn.objects.get()
    assert abs(timezone.now() - timedelta(minutes=10) - used.at) < timedelta(seconds=20)
    assert used.by_name == OfflineScan.objects.get().by_name != ""


@pytest.mark.parametrize("wrong_by", [-(10**9), 10**9])
def test_a_wrong_clock_is_wrong_by_the_same_when_it_sends(staff, event, tickets, wrong_by):
    taken = take(staff, event)
    DoorList.objects.update(taken_at=timezone.now() - timedelta(hours=1))
    said = now_ms() + wrong_by
    scan = scan_of(tickets[0], at=said - 600_000)
    assert outcomes(bring(staff, event, taken, scan, sent_at=said)) == ["admitted"]
    row = OfflineScan.objects.get()
    assert abs(timezone.now() - timedelta(minutes=10) - row.at) < timedelta(seconds=20)
    assert abs(row.said_at.timestamp() * 1000 - scan["at"]) < 1000


def test_no_clock_puts_a_scan_before_its_list_or_after_now(staff, event, tickets):
    taken = take(staff, event)
    scans = [scan_of(tickets[0], at=0), scan_of(tickets[1], at=now_ms() + 10**10)]
    assert outcomes(bring(staff, event, taken, *scans)) == ["admitted", "admitted"]
    list_at = DoorList.objects.get().taken_at
    early, late = OfflineScan.objects.order_by("said_at")
    assert early.at == list_at
    assert list_at <= late.at <= timezone.now()


def test_two_doors_apart_are_a_conflict_with_both_times(staff, event, tickets):
    here, there = take(staff, event), take(staff, event)
    DoorList.objects.update(taken_at=timezone.now() - timedelta(hours=1))
    assert outcomes(bring(staff, event, here, scan_of(tickets[0], ago=300))) == ["admitted"]
    assert outcomes(bring(staff, event, there, scan_of(tickets[0], ago=200))) == ["conflict"]
    [conflict] = take(staff, event)["conflicts"]
    assert (conflict["outcome"], conflict["who"]) == ("conflict", "Ann")
    assert conflict["first_at"] < conflict["at"]
    entry = HistoryEntry.objects.get(act="door_conflict")
    assert {"at", "first"} <= entry.details.keys()
    page = staff.get(f"/admin/tickets/order/{tickets[0].order_id}/change/").content.decode()
    assert "brought back from a door without a net" in page
    assert "let in twice" in page


def test_sent_again_it_is_what_it_was(staff, event, tickets):
    taken = take(staff, event)
    scans = [scan_of(tickets[0]), scan_of(tickets[1])]
    assert outcomes(bring(staff, event, taken, *scans)) == ["admitted", "admitted"]
    assert outcomes(bring(staff, event, taken, *scans)) == ["admitted", "admitted"]
    undo_check_in(tickets[0].pk, event_id=event.pk)
    assert outcomes(bring(staff, event, taken, *scans)) == ["admitted", "admitted"]
    assert OfflineScan.objects.count() == 2
    assert CheckIn.objects.count() == 1


def test_of_two_merges_at_once_one_counts(event, tickets):
    staff = StaffFactory()
    lists = [DoorList.objects.create(event=event, device=uuid.uuid4(), by=staff) for _ in range(2)]
    scan = Scan(uuid.uuid4(), tickets[0].pk, 0, now_ms())
    same = together(
        *[lambda: merge(event, list_id=lists[0].pk, sent_at=now_ms(), scans=[scan], by=staff)] * 2
    )
    assert [each[0]["outcome"] for each in same] == ["admitted", "admitted"]
    others = [Scan(uuid.uuid4(), tickets[1].pk, 0, now_ms()) for _ in range(2)]
    apart = together(
        *(
            lambda row=row, scan=scan: merge(event, list_id=row.pk, sent_at=now_ms(), scans=[scan], by=staff)
            for row, scan in zip(lists, others, strict=True)
        )
    )
    assert sorted(each[0]["outcome"] for each in apart) == ["admitted", "conflict"]
    assert OfflineScan.objects.count() == 3


def test_a_scan_whose_answer_was_lost_is_that_scan(staff, event, tickets):
    taken = take(staff, event)
    scan = scan_of(tickets[0])
    staff.post(f"/door/{event.pk}", {"code": tickets[0].ticket_code, "nonce": scan["scan"]})
    CheckIn.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert outcomes(bring(staff, event, taken, scan)) == ["admitted"]


def test_what_was_void_or_replaced_meanwhile_is_told(staff, event, tickets):
    taken = take(staff, event)
    scans = [scan_of(each) for each in tickets]
    void_ticket(tickets[0])
    replace_ticket(tickets[1])
    assert outcomes(bring(staff, event, taken, *scans)) == ["void", "replaced"]
    assert not CheckIn.objects.exists()
    assert {each["outcome"] for each in take(staff, event)["conflicts"]} == {"void", "replaced"}


# -- attacks ----------------------------------------------------------------------------------
def test_tickets_of_other_events_are_unknown_and_leave_no_trace(staff, event, tickets):
    elsewhere = hold(EventFactory(price_sats=0)).tickets.get()
    taken = take(staff, event)
    invented = scan_of(elsewhere) | {"scan": uuid.uuid4().hex, "ticket": uuid.uuid4().hex}
    assert outcomes(bring(staff, event, taken, scan_of(elsewhere), invented)) == ["unknown", "unknown"]
    assert not OfflineScan.objects.exists()
    assert not CheckIn.objects.exists()


def test_the_list_of_another_event_brings_nothing_back(staff, event, tickets):
    taken = take(staff, EventFactory(price_sats=0))
    answer = bring(staff, event, taken, scan_of(tickets[0]))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not CheckIn.objects.exists()


def test_an_unpaid_ticket_stays_out(staff, event):
    paid_for = EventFactory()
    pending = hold(paid_for).tickets.get()
    assert outcomes(bring(staff, paid_for, take(staff, paid_for), scan_of(pending))) == ["not_admitting"]
    assert not CheckIn.objects.exists()


def test_too_much_and_nonsense_are_refused_whole(staff, event, tickets):
    taken = take(staff, event)
    good = scan_of(tickets[0])
    for body in (
        {"list": taken["list"], "sent_at": now_ms(), "scans": [good] * (MOST_AT_ONCE + 1)},
        {"list": taken["list"], "sent_at": now_ms(), "scans": []},
        {"list": taken["list"], "sent_at": 2**70, "scans": [good]},
        {"list": taken["list"], "sent_at": now_ms(), "scans": [good | {"at": -1}]},
        {"list": taken["list"], "sent_at": now_ms(), "scans": [good | {"ticket": "x"}]},
        {"list": taken["list"], "sent_at": now_ms(), "scans": [good | {"more": 1}]},
        {"list": 2**80, "sent_at": now_ms(), "scans": [good]},
        [], None, 7, {"scans": "x"},
    ):  # fmt: skip
        answer = post(staff, event, "merge", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), body
    junk = staff.post(f"/door/{event.pk}/merge", "{", content_type="application/json")
    assert (junk.status_code, junk.json()["code"]) == (400, "malformed_json")
    huge = staff.post(f"/door/{event.pk}/merge", " " * 300_000, content_type="application/json")
    assert huge.status_code == 413
    assert not CheckIn.objects.exists()


def test_it_is_counted(staff, event, tickets, settings):
    settings.LIMITS = settings.LIMITS | {"DOOR_LIST_PER_USER": (1, 60), "DOOR_MERGE_PER_USER": (1, 60)}
    taken = take(staff, event)
    assert post(staff, event, "list", {"device": str(uuid.uuid4())}).status_code == 429
    assert outcomes(bring(staff, event, taken, scan_of(tickets[0]))) == ["admitted"]
    answer = bring(staff, event, taken, scan_of(tickets[1]))
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert int(answer["Retry-After"]) > 0


def test_other_sites_bring_nothing_back(staff, event, tickets):
    taken = take(staff, event)
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = staff.cookies
    assert bring(guarded, event, taken, scan_of(tickets[0])).status_code == 403
    assert not CheckIn.objects.exists()

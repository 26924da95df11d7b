"""Exports: who may take what, chosen columns, no formulas, any number of rows."""

import csv
import io
from datetime import date, timedelta

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.history import HistoryEntry
from accounts.roles import Role
from tests.acts import hold, pay
from tests.factories import AnswerFactory, EveningFactory, MembershipFactory, OrganizerFactory, StaffFactory
from tickets.models import Order
from tickets.receipts.drawing import draw_receipt
from tickets.reports import tables

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/admin/reports/exports"


@pytest.fixture
def order() -> Order:
    event = EveningFactory(title="=Evening", price_sats=1000, organizer=OrganizerFactory())
    order = hold(event, 2, name='=HYPERLINK("x")', email="ann@example.com")
    pay(order)
    return order


def take(client, table: str, **said):
    return client.post(f"{URL}/{table}", {"format": "csv"} | said)


def lines(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_csv_and_xlsx_hold_the_same_and_no_formula(staff, order):
    labels, row = lines(take(staff, "orders"))
    assert row[labels.index("name")] == '\'=HYPERLINK("x")'
    answer = take(staff, "orders", format="xlsx")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    head, cells = (list(row) for row in book.active.rows)
    assert [cell.value for cell in head] == labels
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    found = dict(zip(labels, (cell.value for cell in cells), strict=True))
    assert found["sats"] == 2000
    assert found["name"] == '=HYPERLINK("x")'
    assert found["paid"].date() == order.paid_at.astimezone(order.event.zone).date()


def test_columns_come_in_the_tables_order(staff, order):
    labels, row = lines(take(staff, "orders", columns_chosen=["sats", "code"]))
    assert (labels, row) == (["code", "sats"], [order.code, "2000"])
    assert take(staff, "orders", columns_chosen=["password"]).status_code == 422
    for said in ({"first": "x"}, {"first": "2031-01-01", "last": "2030-01-01"}, {"format": "exe"},
                 {"zone": "Moon/Base"}, {"first": "0001-01-01", "last": "9999-12-31"}):  # fmt: skip
        assert take(staff, "orders", **said).status_code == 422, said
    for event in ("x", "9" * 30, "0"):
        assert take(staff, "orders", event=event).status_code == 404
    assert take(staff, "secrets").status_code == 404


def test_tickets_come_with_their_answers(staff, order):
    answer = AnswerFactory(order=order)
    labels, *rows = lines(take(staff, "tickets", columns_chosen=["number", "answers", "sats"]))
    assert len(rows) == 2
    assert all(answer.question.label in row[labels.index("answers")] for row in rows)
    assert [row[labels.index("sats")] for row in rows] == ["1000", "1000"]


def test_what_one_took_is_in_the_history(staff, order):
    take(staff, "orders", event=order.event_id)
    entry = HistoryEntry.objects.get()
    assert (entry.act, entry.row_id, entry.details) == (
        "export_table",
        str(order.event_id),
        {"said": "orders"},
    )


def test_roles_decide_who_takes_which_table_of_whose(client, order):
    foreign = EveningFactory(organizer=OrganizerFactory())
    hold(foreign, email="zed@example.com")

    def sign_in(role):
        client.force_login(MembershipFactory(organizer=order.event.organizer, role=role).user)

    sign_in(Role.MANAGER)
    assert client.get("/admin/reports/").status_code == 403
    assert [row[0] for row in lines(take(client, "orders", columns_chosen=["code"]))[1:]] == [order.code]
    assert take(client, "orders", event=foreign.pk).status_code == 404
    assert take(client, "payments").status_code == 403
    sign_in(Role.FINANCE)
    assert client.get("/admin/reports/").status_code == 200
    assert client.get("/admin/reports/", {"event": foreign.pk}).status_code == 404
    assert len(lines(take(client, "payments"))) == 2
    sign_in(Role.DOOR)
    assert client.get("/admin/reports/").status_code == 403
    assert client.get(URL).status_code == 403
    assert take(client, "orders").status_code == 403
    client.logout()
    assert "/login/" in take(client, "orders")["Location"]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_row_is_lost_or_told_twice_between_two_pages(staff, monkeypatch, size):
    event = EveningFactory(price_sats=0)
    codes = {hold(event).code for _number in range(5)}
    Order.objects.update(created_at=timezone.now())  # all at one moment
    monkeypatch.setattr(tables, "AT_ONCE", size)
    found = [row[0] for row in lines(take(staff, "orders", columns_chosen=["code"]))[1:]]
    assert (len(found), set(found)) == (5, codes)


def test_the_command_writes_the_same(staff, order, tmp_path):
    file = tmp_path / "orders.csv"
    call_command("export", "orders", to=str(file), columns="code,sats", last=date.today() + timedelta(days=1))
    assert file.read_text().split() == ["code,sats", f"{order.code},2000"]
    file = tmp_path / "payments.xlsx"
    call_command("export", "payments", to=str(file), format="xlsx", event=order.event_id)
    assert len(list(openpyxl.load_workbook(file).active.rows)) == 2
    for wrong in ({"columns": "nothing"}, {"zone": "Moon/Base"}, {"event": 0}, {"last": date(2000, 1, 1)}):
        with pytest.raises(CommandError):
            call_command("export", "orders", to=str(file), **wrong)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?first=x",
        "?zone=Moon",
        "?first=2031-01-01&last=2030-01-01",
        "?first=2020-01-01&last=2029-01-01",
        "?first=0001-01-01&last=0001-01-02",
    ],
)
def test_a_report_answers_whatever_is_asked(staff, order, query):
    assert staff.get(f"/admin/reports/{query}").status_code == 200
    page = staff.get(f"/admin/reports/?event={order.event_id}").content.decode()
    assert "Attendance" in page


# -- the API --------------------------------------------------------------------------------------
ALWAYS = {"first": "2026-01-01", "last": "2034-12-31"}


def ask(user, **said):
    headers = {"Authorization": f"Bearer {issue_token(user)}"}
    return Client(headers=headers).post("/api/exports", ALWAYS | said, "application/json")


def test_a_program_takes_the_same_tables(order):
    staff = StaffFactory()
    labels, row = lines(ask(staff, table="orders", columns=["sats", "code"], event_id=order.event_id))
    assert (labels, row) == (["code", "sats"], [order.code, "2000"])
    assert HistoryEntry.objects.get().act == "export_table"
    book = ask(staff, table="payments", format="xlsx", timezone="Asia/Tokyo")
    assert len(list(openpyxl.load_workbook(io.BytesIO(b"".join(book.streaming_content))).active.rows)) == 2
    orders = {"table": "orders"}
    for said in (
        {}, {"table": "secrets"}, orders | {"columns": ["password"]}, orders | {"x": 1}, orders | {"last": 5},
        orders | {"first": "2034-12-31", "last": "2026-01-01"}, orders | {"timezone": "Moon/Base"},
    ):  # fmt: skip
        assert ask(staff, **said).status_code == 400, said
    assert ask(staff, table="orders", event_id=10**17).status_code == 404


def test_a_program_takes_receipts(order):
    receipt = draw_receipt(order)
    labels, row = lines(ask(StaffFactory(), table="receipts", columns=["number", "order", "sats"]))
    assert (labels, row) == (["number", "order", "sats"], [receipt.name, order.code, "2000"])
    manager = MembershipFactory(organizer=order.event.organizer, role=Role.MANAGER).user
    assert ask(manager, table="receipts").status_code == 403


def test_roles_decide_what_a_program_takes(order):
    def member(role, organizer=None):
        return MembershipFactory(organizer=organizer or order.event.organizer, role=role).user

    assert len(lines(ask(member(Role.MANAGER), table="orders"))) == 2
    assert ask(member(Role.MANAGER), table="payments").status_code == 403
    assert len(lines(ask(member(Role.FINANCE), table="payments"))) == 2
    assert ask(member(Role.DOOR), table="orders").status_code == 403
    stranger = member(Role.OWNER, OrganizerFactory())
    assert len(lines(ask(stranger, table="orders"))) == 1
    assert ask(stranger, table="orders", event_id=order.event_id).status_code == 404

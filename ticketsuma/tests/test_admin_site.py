"""The admin's site: sign-in where attempts are limited, sign-out by a button, a menu by use."""

import pytest

from accounts.staff import save_verified_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.force_login(save_verified_user(email="staff@example.com", password="a long enough passphrase")[0])
    return client


@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_sign_in_where_attempts_are_limited(client, method):
    answer = getattr(client, method)("/admin/login/", {"username": "staff@example.com", "password": "x"})
    assert answer.headers["Location"].startswith("/accounts/login/?next=")


def test_looking_at_the_sign_out_signs_nobody_out(staff):
    assert staff.get("/admin/logout/").headers["Location"] == "/admin/"
    assert staff.get("/admin/").status_code == 200
    assert staff.post("/admin/logout/").status_code == 200
    assert staff.get("/admin/").status_code == 302


def test_the_menu_begins_with_what_staff_come_for(staff):
    page = staff.get("/admin/")
    assert (page.context["title"], page.context["site_header"]) == ("Today", "Tickets by UMA")
    apps = page.context["app_list"]
    assert [app["app_label"] for app in apps] == [
        "tickets", "guest_messages", "events", "receipts", "payments", "scheduled_exports", "accounts",
        "hood",
    ]  # fmt: skip
    models = [model["object_name"] for model in apps[0]["models"]]
    assert models[:4] == ["Order", "Ticket", "CheckIn", "Mail"]

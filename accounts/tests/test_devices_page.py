"""Devices: where one is signed in, listed and ended at once."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import sessions
from accounts.authentication import issue_token
from accounts.sessions import SignIn, device_words, network_words
from accounts.tests.people import OTHER, PASSWORD, ann, sign_in, text_of, token_works, who
from tests.factories import UnprovenUserFactory

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/accounts/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1"


@pytest.fixture
def two():
    """Two browsers in which Ann is signed in."""
    ann()
    desk = Client(REMOTE_ADDR="192.0.2.77", headers={"User-Agent": FIREFOX})
    phone = Client(REMOTE_ADDR="2001:db8:1:2:3:4:5:6", headers={"User-Agent": IPHONE})
    sign_in(desk)
    sign_in(phone)
    return desk, phone


def test_they_are_listed_roughly(two):
    desk, _phone = two
    page = text_of(desk.get(PAGE))
    for words in ("Firefox · Linux (this one)", "Safari · iPhone", "192.0.x.x", "2001:0db8:0001:…"):
        assert words in page.replace('<span class="text-muted">', "").replace("</span>", ""), words
    assert "192.0.2.77" not in page


def test_one_that_is_ended_is_nobodys_at_once(two):
    desk, phone = two
    other = next(row for row in desk.get(PAGE).context["rows"] if "iPhone" in row.device)
    desk.post(PAGE, {"end": other.pk})
    assert (who(desk), who(phone)) == ("ann@example.com", None)
    assert len(desk.get(PAGE).context["rows"]) == 1


def test_all_others_end_and_apps_with_them(two, client):
    desk, phone = two
    token = str(issue_token(SignIn.objects.first().user))
    desk.post(PAGE, {"others": "1"})
    assert (who(desk), who(phone)) == ("ann@example.com", None)
    assert not token_works(client, token)


def test_this_one_can_be_ended(two):
    desk, phone = two
    mine = next(row for row in desk.get(PAGE).context["rows"] if "Firefox" in row.device)
    assert desk.post(PAGE, {"end": mine.pk})["Location"] == "/accounts/login/"
    assert (who(desk), who(phone)) == (None, "ann@example.com")


def test_somebody_elses_cannot(two):
    _desk, phone = two
    bob = Client()
    bob.force_login(UnprovenUserFactory(email="bob@example.com"), "django.contrib.auth.backends.ModelBackend")
    for row in SignIn.objects.filter(user__email="ann@example.com"):
        bob.post(PAGE, {"end": row.pk})
    for odd in ("x", "", "-1", "9" * 40):
        assert bob.post(PAGE, {"end": odd}).status_code == 302
    assert who(phone) == "ann@example.com"


def test_a_new_password_ends_the_others_and_lists_this_one(two):
    desk, phone = two
    desk.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": OTHER})
    assert who(phone) is None
    [row] = desk.get(PAGE).context["rows"]
    assert row.device == "Firefox · Linux"


def test_one_whose_password_was_changed_elsewhere_is_not_listed(two):
    desk, _phone = two
    user = SignIn.objects.first().user
    user.set_password(OTHER)
    user.save()
    assert sessions.sign_ins_of(user) == []
    assert who(desk) is None


def test_rows_go_with_their_sessions(two):
    Session.objects.all().delete()
    sessions.forget_ended()
    assert not SignIn.objects.exists()


def test_who_is_not_signed_in_sees_nothing(client):
    assert client.get(PAGE).status_code == 302


@pytest.mark.parametrize(
    ("said", "words"), [("", ""), ("curl/8", ""), ("Android Chrome/1", "Chrome · Android"), ("x" * 9000, "")]
)
def test_devices_in_words(said, words):
    assert device_words(said) == words


@pytest.mark.parametrize(("ip", "words"), [("unknown", ""), ("198.51.100.7", "198.51.x.x")])
def test_networks_in_words(ip, words):
    assert network_words(ip) == words

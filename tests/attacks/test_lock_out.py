"""A23, A24: locking somebody out of their account, and having them confirm ours."""

import re

from tests.attacks.shop import PASSWORD


def test_guesses_lock_out_no_browser_that_signed_in_before(shop, someone):
    """A23: by many from its own network, and by many from others."""
    person, browser = shop.person(), someone.browser()
    assert browser.sign_in(person.email, PASSWORD).status_code == 302
    browser.submit("/accounts/logout/")
    neighbours = [someone.browser() for _ in range(9)]
    said = [each.sign_in(person.email, "wrong").status_code for each in neighbours]
    assert said[-1] == 429
    others = [shop.attacker().browser().sign_in(person.email, "wrong").status_code for _ in range(7)]
    assert others[-1] == 429
    assert browser.sign_in(person.email, PASSWORD).status_code == 302
    assert browser.is_signed_in


def test_mails_asked_for_by_others_keep_nobody_from_theirs(shop, someone):
    """A23"""
    person = shop.person()
    said = [someone.browser().submit("/accounts/password/reset/", email=person.email) for _ in range(6)]
    assert [answer.status_code for answer in said] == [302] * 5 + [429]
    assert (
        shop.attacker().browser().submit("/accounts/password/reset/", email=person.email).status_code == 302
    )


def test_the_operators_link_opens_whatever_was_counted(shop, someone):
    """A23"""
    person = shop.person()
    for _ in range(8):
        someone.browser().sign_in(person.email, "wrong")
    said = shop.stack.manage("sign_in_link", person.email).stdout
    path = re.search(r"http://[^/\s]+(/accounts/link/\S+)", said)[1]
    first, second = someone.browser(), shop.attacker().browser()
    forms = [second.open(path), first.submit(path)]
    assert [answer.status_code for answer in forms] == [200, 302]
    assert first.is_signed_in
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', forms[0].text)[1]
    second.send_form(path, {"csrfmiddlewaretoken": token})
    assert not second.is_signed_in


def test_a_click_of_the_owner_proves_no_strangers_account(shop, someone):
    """A24: signed up through the API with their address and a password of the stranger's."""
    email = f"a24-{someone.address}@example.com"
    body = {"email": email, "password": "the attackers passphrase"}
    assert someone.post("/api/users", body).status == 202
    link = shop.mailed_link(email, "confirm-email")
    owner = shop.attacker().browser()
    owner.submit(link)
    owner.submit(link, password="what its owner would choose")
    assert someone.post("/api/users/login", body).status == 401
    owner.submit(link, password="the attackers passphrase")  # somebody who did sign up knows it
    assert someone.post("/api/users/login", body).status == 200

"""Search in the admin: names and codes, without accents, in any case and width."""

import pytest

from accounts.models import User
from tests.acts import hold, pay
from tests.factories import CheckInFactory, EveningFactory, UnprovenUserFactory, ViewerFactory
from tickets.models import CheckIn, Mail, Order, Ticket, Viewer
from tickets.services.holders import Holder, name_holders
from tickets.services.personal_data import erase_personal_data
from tickets.tests.admin_client import list_url
from ticketsuma.search_keys import fill_due

pytestmark = pytest.mark.django_db(transaction=True)


def found(staff, model, words):
    return list(staff.get(list_url(model), {"q": words}).context["cl"].result_list)


@pytest.fixture
def order():
    hold(EveningFactory(), email="zed@example.com", name="Zed")
    event = EveningFactory(title="Una noche de Ópera")
    order = hold(event, name="Rene\u0301e Zoë", email="renée@example.com")
    pay(order)
    CheckInFactory(ticket=order.tickets.get())
    ViewerFactory(ticket=order.tickets.get(), key="k")
    return order


NAMES = [
    "renee", "Renée", "RENÉE", "rene\u0301e", "ｒｅｎｅｅ", "zoe renee", "renee@example", "opera renee",
]  # fmt: skip


@pytest.mark.parametrize("words", NAMES)
def test_a_name_is_found_however_it_is_typed(staff, order, words):
    assert found(staff, Order, words) == [order]
    if "opera" not in words:
        assert found(staff, Ticket, words) == [order.tickets.get()]
        assert {mail.order for mail in found(staff, Mail, words)} == {order}
        UnprovenUserFactory(email="renée@example.com", name="Renée Zoë")
        assert [user.email for user in found(staff, User, words)] == ["renée@example.com"]


@pytest.mark.parametrize("model", [Order, Ticket, CheckIn, Mail, Viewer])
def test_a_code_is_found_as_people_write_it_everywhere(staff, order, model):
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in order.code)
    for code in (f"{order.code[:4]}-{order.code[4:]}".lower(), f" {order.code} ", wide):
        assert {str(getattr(row, "pk", "")) for row in found(staff, model, code)} == {
            str(row.pk) for row in model.objects.filter(**{BY_ORDER[model]: order.pk})
        }, code


BY_ORDER = {
    Order: "pk", Ticket: "order", CheckIn: "ticket__order", Mail: "order", Viewer: "ticket__order",
}  # fmt: skip


def test_a_wide_address_of_a_wallet_finds_its_order(staff):
    order = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    assert found(staff, Order, "＄ａｎｎ＠wallet") == [order]


def test_a_new_holder_is_found_at_once(staff):
    ticket = hold(EveningFactory(price_sats=0)).tickets.get()
    name_holders(ticket.order, [Holder(ticket, "Ángel")], ip="")
    assert found(staff, Ticket, "angel") == [ticket]


def test_a_person_who_left_is_in_no_key_even_before_the_worker_comes():
    ann = UnprovenUserFactory(email="renée@example.com", name="Renée")
    order = hold(EveningFactory(price_sats=0), name="Renée", email=ann.email)
    Order.objects.update(buyer=ann)
    erase_personal_data(ann)
    assert not order.tickets.filter(search_key__folded="renee").exists()
    assert not Order.objects.filter(search_key__folded="renee").exists()
    fill_due()
    assert Order.objects.get().search_key.strip() == ""

"""Five roles and their objects, for the authorization matrix."""

from dataclasses import dataclass

from tests.attacks.attacker import Answer
from tests.attacks.shop import Person, Shop

ROLES = ("nobody", "stranger", "guest", "owner", "staff")
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Cast:
    """`owner` bought `theirs`, which waits for money, and holds `paid`; a guest holds `guests`."""

    shop: Shop
    people: dict[str, Person]
    sessions: dict[str, str]
    theirs: dict
    paid: dict
    guests: dict

    def names(self) -> dict[str, str]:
        """What stands for {…} in an endpoint's path."""
        order, paid, guests = self.theirs["order"], self.paid["order"], self.guests["order"]
        ticket = self.paid["tickets"][0]
        return {
            "event": str(self.shop.event),
            "hidden": str(self.shop.hidden),
            "type": str(order["lines"][0]["ticket_type_id"]),
            "slug": self.shop.slug,
            "owner": str(self.people["owner"].id),
            "order": order["id"],
            "paid": paid["id"],
            "guests": guests["id"],
            "order_link": order["token"],
            "paid_link": paid["token"],
            "forged_link": order["token"][:-1] + ("A" if order["token"][-1] != "A" else "B"),
            "others_link": ticket["url"].rpartition("/")[2],
            "ticket": ticket["ticket_id"],
            "ticket_link": ticket["url"].rpartition("/")[2],
            "invoice": self.theirs["payment"]["invoice_id"],
            "reference": order["code"].lower(),
        }

    def ask(self, role: str, endpoint: str, body) -> Answer:
        """`endpoint` as `role` would: with their token in the API, their session on pages."""
        method, path = endpoint.format(**self.names()).split(" ")
        is_api = path.startswith("/api/")
        person = self.people.get(role)
        more = {}
        if is_api and person:
            more["token"] = person.token
        elif person:
            more["Cookie"] = self.sessions[role]
        if is_api and role == "guest":
            more["order_token"] = self.guests["order"]["token"]
        if not is_api and method in WRITES:
            more["Content_Type"] = "application/x-www-form-urlencoded"
            body = body or b""
        elif method in WRITES and body is None:
            body = {}
        return self.shop.attacker().send(method, path, body if method in WRITES else None, **more)


def make_cast(shop: Shop, staff: Person) -> Cast:
    stranger, owner = shop.person(), shop.person()
    people = {"stranger": stranger, "owner": owner, "staff": staff}
    theirs = shop.buy(owner)
    shop.bolt11(theirs)
    return Cast(
        shop=shop,
        people=people,
        sessions={role: session_of(shop, person) for role, person in people.items()},
        theirs=shop.order(theirs).json(),
        paid=shop.buy(owner, event=shop.free),
        guests=shop.buy(),
    )


_SIGN_IN = """
from types import SimpleNamespace
from allauth.account.internal.flows.login import record_authentication
from django.contrib.sessions.backends.db import SessionStore
user, session = User.objects.get(pk=pk), SessionStore()
session["_auth_user_id"], session["_auth_user_hash"] = str(user.pk), user.get_session_auth_hash()
session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
session.create()
record_authentication(SimpleNamespace(session=session, user=user), user, "mfa", type="totp")
session.save()
answer = session.session_key
"""


def session_of(shop: Shop, person: Person) -> str:
    """The cookie of a browser in which `person` is signed in with a second factor, as signing in makes it."""
    return f"sessionid={shop.stack.django(_SIGN_IN, pk=person.id)}"

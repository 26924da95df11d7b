"""Factories of rows for tests (factory-boy), one for each model; services make orders and proven users."""

from datetime import timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import Usage, User
from accounts.roles import Role
from accounts.second_person import PendingAct
from accounts.sessions import SignIn
from accounts.staff import save_verified_user
from events.catalogue_models import PromoCode, TicketType
from events.models import Event, FormerSlug, Invitation, Membership, Organizer
from events.question_models import Question
from payments.checkup_models import Checkup
from payments.models import IncomingPayment, PostTransaction, Refund, Sweep, VaspNonce, WebhookEvent
from tickets.models import Answer, CheckIn, EventChange, Mail, Order, Viewer
from tickets.services.orders import place_order


class EventFactory(DjangoModelFactory):
    """An event that starts in a day."""

    class Meta:
        model = Event

    class Params:
        soon = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))

    title = "A talk"
    start_time = factory.SelfAttribute("soon")
    end_time = factory.LazyAttribute(lambda event: event.soon + timedelta(hours=2))
    capacity = 20
    price_sats = 2100
    stream_url = "https://stream.example/secret"


class EveningFactory(EventFactory):
    """An event with round numbers, in two days and with a title of its own; valid as a form of staff is."""

    class Params:
        soon = factory.LazyFunction(lambda: timezone.now() + timedelta(days=2))

    title = factory.Sequence("Evening {}".format)
    capacity = 10
    price_sats = 1_000
    stream_url = "https://meet.example.com/evening"

    @classmethod
    def _create(cls, model_class, **fields):
        event = model_class(**fields)
        event.full_clean()
        event.save(force_insert=True)
        return event


class TicketTypeFactory(DjangoModelFactory):
    class Meta:
        model = TicketType

    event = factory.SubFactory(EventFactory)
    name = factory.Sequence("Type {}".format)
    price = 2100


class PromoCodeFactory(DjangoModelFactory):
    """A fifth off, for every type that is not hidden; `types` are the only ones it is for."""

    class Meta:
        model = PromoCode
        skip_postgeneration_save = True

    event = factory.SubFactory(EventFactory)
    text = "Früh-Bird 20"
    kind = PromoCode.Kind.PERCENT
    value = 20

    @factory.post_generation
    def types(self, create, chosen, **kwargs):
        self.types.set(chosen or [])


class QuestionFactory(DjangoModelFactory):
    """Asked of the buyer before the payment, as text; may be left open."""

    class Meta:
        model = Question

    event = factory.SubFactory(EventFactory)
    label = factory.Sequence("Question {}?".format)


class AnswerFactory(DjangoModelFactory):
    class Meta:
        model = Answer

    order = factory.SubFactory("tests.factories.OrderFactory")
    question = factory.SubFactory(QuestionFactory, event=factory.SelfAttribute("..order.event"))
    text = "No nuts"


class OrderFactory(DjangoModelFactory):
    """Seats held by a guest, by the shop's service. No node answers here: the invoice stays requested."""

    class Meta:
        model = Order

    event = factory.SubFactory(EventFactory)
    email = "ann@example.com"

    @classmethod
    def _create(cls, model_class, **fields):
        return place_order(**fields)


class UserFactory(DjangoModelFactory):
    """Somebody whose address is confirmed."""

    class Meta:
        model = User

    email = factory.Sequence("buyer{}@example.com".format)
    password = "a long enough password"
    name = "Bo"

    @classmethod
    def _create(cls, model_class, **fields):
        return save_verified_user(**fields)[0]


class StaffFactory(UserFactory):
    """Staff: whose address is in ADMIN_EMAILS."""

    email = "staff@example.com"
    name = "Sam"


class UnprovenUserFactory(DjangoModelFactory):
    """Somebody who signed up and has confirmed nothing; without a password they cannot sign in."""

    class Meta:
        model = User

    email = factory.Sequence("unproven{}@example.com".format)

    @classmethod
    def _create(cls, model_class, **fields):
        return model_class.objects.create_user(**fields)


class OrganizerFactory(DjangoModelFactory):
    class Meta:
        model = Organizer

    name = factory.Sequence("Organizer {}".format)


class MembershipFactory(DjangoModelFactory):
    """Somebody's role; `events` are those of somebody at the door."""

    class Meta:
        model = Membership
        skip_postgeneration_save = True

    organizer = factory.SubFactory(OrganizerFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.OWNER

    @factory.post_generation
    def events(self, create, chosen, **kwargs):
        self.events.set(chosen or [])


class InvitationFactory(DjangoModelFactory):
    class Meta:
        model = Invitation

    organizer = factory.SubFactory(OrganizerFactory)
    email = factory.Sequence("invited{}@example.com".format)
    role = Role.READER


class FormerSlugFactory(DjangoModelFactory):
    class Meta:
        model = FormerSlug

    event = factory.SubFactory(EventFactory)
    slug = factory.Sequence("former-{}".format)


class EventChangeFactory(DjangoModelFactory):
    class Meta:
        model = EventChange


class CheckInFactory(DjangoModelFactory):
    class Meta:
        model = CheckIn


class ViewerFactory(DjangoModelFactory):
    class Meta:
        model = Viewer

    key = factory.Sequence("viewer-{}".format)


class MailFactory(DjangoModelFactory):
    class Meta:
        model = Mail

    kind = Mail.Kind.REMINDER_HOUR
    to = factory.SelfAttribute("order.email")


class IncomingPaymentFactory(DjangoModelFactory):
    """Money on the node's list that nothing has claimed yet."""

    class Meta:
        model = IncomingPayment

    node_payment_id = factory.Sequence("IncomingPayment:{:032x}".format)
    amount_msats = 1_000_000
    received_at = factory.LazyFunction(timezone.now)


class RefundFactory(DjangoModelFactory):
    """A refund as a row, without the checks of `payments.refunds.write_refund`."""

    class Meta:
        model = Refund

    incoming_payment = factory.SubFactory(IncomingPaymentFactory)
    amount_msats = factory.SelfAttribute("incoming_payment.amount_msats")
    reason = Refund.Reason.LATE
    to = "$ann@wallet.example.com"


class PostTransactionFactory(DjangoModelFactory):
    class Meta:
        model = PostTransaction


class WebhookEventFactory(DjangoModelFactory):
    class Meta:
        model = WebhookEvent

    event_id = factory.Sequence("event-{}".format)
    type = "PAYMENT_FINISHED"
    entity_id = "x"


class SweepFactory(DjangoModelFactory):
    class Meta:
        model = Sweep

    read_until = factory.LazyFunction(timezone.now)


class CheckupFactory(DjangoModelFactory):
    class Meta:
        model = Checkup


class VaspNonceFactory(DjangoModelFactory):
    class Meta:
        model = VaspNonce

    domain = "other.example"
    nonce = factory.Sequence("nonce-{}".format)


class SignInFactory(DjangoModelFactory):
    class Meta:
        model = SignIn

    user = factory.SubFactory(UserFactory)
    session_key = factory.Sequence("session-{}".format)
    device = "Firefox · Linux"
    network = "192.0.x.x"


class PendingActFactory(DjangoModelFactory):
    class Meta:
        model = PendingAct

    row, row_id, row_name = "tickets.order", factory.Sequence(str), "ABCD1234"
    action, sats, asked_email = "refund", 5000, "staff@example.com"


class UsageFactory(DjangoModelFactory):
    class Meta:
        model = Usage

    uses = 1
    until = 0

"""Teams of organizers: inviting, taking a role, changing and ending it; closing an organizer.

Whoever changes a team holds the organizer's row, so that of two owners who leave at once the second is told
that they are the last.
"""

import uuid
from collections.abc import Iterable

from allauth.account.adapter import get_adapter
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import rate_limits
from accounts.history import actor, record
from accounts.models import User, normalize_email
from accounts.roles import Role
from ticketsuma.errors import DomainError

from .models import Event, Invitation, Membership, Organizer

_signer = Signer(salt="events.invitation")


class LastOwner(DomainError):
    code = "last_owner"
    message = _("This is the last owner. Make somebody else an owner first.")


class AlreadyMember(DomainError):
    code = "already_member"
    message = _("This person has a role already.")
    field = "email"


class BadInvitation(DomainError):
    code = "bad_invitation"
    message = _("This invitation is no longer good.")


class EventsToCome(DomainError):
    code = "events_to_come"
    message = _("It still has events to come. Cancel them first, or wait until they are over.")


# -- inviting ---------------------------------------------------------------------------------
def invite(organizer: Organizer, *, email: str, role: str, events: Iterable[Event] = ()) -> Invitation:
    """Mail `email` a link that gives a role; a second one takes the place of the first, whose link ends.

    Raises AlreadyMember, BadInvitation (the organizer is closed), RateLimited.
    """
    email = normalize_email(email)
    rate_limits.hit("MAIL_PER_EMAIL", email, f"organizer {organizer.pk}")
    with transaction.atomic():
        organizer = _hold(organizer.pk)
        if organizer.memberships.filter(user__email=email).exists():
            raise AlreadyMember
        organizer.invitations.filter(email=email).delete()
        invitation = Invitation.objects.create(
            organizer=organizer, email=email, role=role, invited_by=actor()
        )
        invitation.events.set(events if role == Role.DOOR else [])
        record("invite", invitation, role=role)
    said = {
        "organizer": organizer.name, "role": invitation.get_role_display(),
        "invitation_url": f"/accounts/invitations/{token_of(invitation)}",
    }  # fmt: skip
    get_adapter().send_mail("account/email/invitation", email, said)
    return invitation


def token_of(invitation: Invitation) -> str:
    return _signer.sign(invitation.pk.hex)


def invitation_of(token: str) -> Invitation | None:
    """The invitation that a mailed link is for; None when it is forged, withdrawn, taken or too old."""
    try:
        pk = uuid.UUID(_signer.unsign(token))
    except (BadSignature, ValueError):
        return None
    found = Invitation.objects.select_related("organizer").filter(pk=pk).first()
    return found if found and found.is_good else None


def accept(invitation: Invitation, user: User) -> Membership:
    """Give `user` the role they were invited to, once. Raises BadInvitation.

    Only the mailbox's owner may: an account that has proven the invited address.
    """
    if user.email != invitation.email or not user.has_verified_email:
        raise BadInvitation
    with transaction.atomic():
        organizer = _hold(invitation.organizer_id)
        now = Invitation.objects.filter(pk=invitation.pk).first()
        if now is None or not now.is_good:
            raise BadInvitation
        membership, is_new = Membership.objects.get_or_create(
            organizer=organizer, user=user, defaults={"role": now.role}
        )
        if is_new:
            membership.events.set(now.events.all())
        now.delete()
        user.__dict__.pop("_grants", None)
        record("join", membership, role=membership.role)
    return membership


# -- roles ------------------------------------------------------------------------------------
def change_role(membership: Membership, *, role: str, events: Iterable[Event] = ()) -> None:
    """Raises LastOwner, BadInvitation (gone meanwhile)."""
    with transaction.atomic():
        now = _own(membership)
        if role != Role.OWNER:
            _leave_an_owner(now)
        before, now.role = now.role, role
        now.save(update_fields=["role"])
        now.events.set(events if role == Role.DOOR else [])
        record("change", now, role=[before, role])


def remove(membership: Membership) -> None:
    """End somebody's role; it counts at their next click. Raises LastOwner."""
    with transaction.atomic():
        now = _own(membership)
        _leave_an_owner(now)
        record("leave", now, role=now.role)
        now.delete()


def close(organizer: Organizer) -> None:
    """Take its people and its page away; events, orders and statement stay. Raises EventsToCome."""
    with transaction.atomic():
        organizer = _hold(organizer.pk)
        if organizer.events.filter(end_time__gt=timezone.now(), canceled_at=None).exists():
            raise EventsToCome
        record("close", organizer)
        organizer.memberships.all().delete()
        organizer.invitations.all().delete()
        organizer.closed_at = timezone.now()
        organizer.save(update_fields=["closed_at", "updated_at"])


def _hold(organizer_id: int) -> Organizer:
    organizer = Organizer.objects.select_for_update().get(pk=organizer_id)
    if organizer.is_closed:
        raise BadInvitation
    return organizer


def _own(membership: Membership) -> Membership:
    _hold(membership.organizer_id)
    now = Membership.objects.select_related("user", "organizer").filter(pk=membership.pk).first()
    if now is None:
        raise BadInvitation(_("This person has left already."))
    return now


def _leave_an_owner(leaving: Membership) -> None:
    owners = Membership.objects.filter(
        organizer=leaving.organizer_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=leaving.pk)
    if leaving.role == Role.OWNER and not owners.exists():
        raise LastOwner

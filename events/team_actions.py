"""Admin actions on organizers and their teams: buttons, each calling a service."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import PersonEmailField
from accounts.roles import Ability, Role
from ticketsuma.admin.actions import ActionForm, StaffAction
from ticketsuma.bidi import isolate

from . import team
from .models import Event, Invitation, Membership, Organizer


class RoleForm(ActionForm):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    events = forms.ModelMultipleChoiceField(
        Event.objects.none(), label=gettext_lazy("Events"), required=False,
        help_text=gettext_lazy("For the role “Door”: the events whose door it is."),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        organizer_id = self.row.pk if isinstance(self.row, Organizer) else self.row.organizer_id
        self.fields["events"].queryset = Event.objects.filter(organizer=organizer_id).order_by("-start_time")

    def clean(self):
        data = super().clean()
        if data.get("role") == Role.DOOR and not data.get("events"):
            self.add_error("events", ValidationError(_("Say which events' door it is.")))
        return data


class InviteForm(RoleForm):
    field_order = ["email", "role", "events"]
    email = PersonEmailField(label=gettext_lazy("E-mail"))


class Invite(StaffAction):
    needs = (Ability.TEAM,)
    name = "invite"
    label = gettext_lazy("Invite somebody")
    form = InviteForm

    def is_possible(self, organizer: Organizer) -> bool:
        return not organizer.is_closed

    def preview(self, organizer: Organizer) -> list[str]:
        says = _("Whoever has the mailbox gets a link by which they take the role, within a week.")
        return [isolate(organizer.name), says]

    def seen(self, organizer: Organizer) -> object:
        return organizer.closed_at

    def run(self, organizer: Organizer, data: dict) -> str:
        team.invite(organizer, email=data["email"], role=data["role"], events=data["events"])
        return _("An invitation was mailed to %(address)s.") % {"address": data["email"]}


class Close(StaffAction):
    needs = (Ability.OPERATE,)
    name = "close"
    label = gettext_lazy("Close the organizer")
    is_grave = True

    def is_possible(self, organizer: Organizer) -> bool:
        return not organizer.is_closed

    def preview(self, organizer: Organizer) -> list[str]:
        return [
            isolate(organizer.name),
            _("Its people lose their roles and its page goes; its events, orders and statement stay."),
            _("This cannot be undone."),
        ]

    def seen(self, organizer: Organizer) -> object:
        return organizer.closed_at

    def run(self, organizer: Organizer, data: dict) -> str:
        team.close(organizer)
        return _("The organizer is closed; its books stay.")


class ChangeRole(StaffAction):
    needs = (Ability.TEAM,)
    name = "role"
    label = gettext_lazy("Change the role")
    form = RoleForm

    def preview(self, membership: Membership) -> list[str]:
        return [str(membership)]

    def seen(self, membership: Membership) -> object:
        return membership.role

    def run(self, membership: Membership, data: dict) -> str:
        team.change_role(membership, role=data["role"], events=data["events"])
        return _("The role is another now; it counts at once.")


class Remove(StaffAction):
    needs = (Ability.TEAM,)
    name = "remove"
    label = gettext_lazy("Remove from the team")
    is_grave = True

    def preview(self, membership: Membership) -> list[str]:
        return [str(membership), _("They see and do nothing here any more, at once.")]

    def seen(self, membership: Membership) -> object:
        return membership.role

    def run(self, membership: Membership, data: dict) -> str:
        team.remove(membership)
        return _("They are no longer of the team.")


class Withdraw(StaffAction):
    needs = (Ability.TEAM,)
    name = "withdraw"
    label = gettext_lazy("Withdraw the invitation")
    is_grave = True

    def preview(self, invitation: Invitation) -> list[str]:
        return [str(invitation), _("The mailed link opens nothing any more.")]

    def seen(self, invitation: Invitation) -> object:
        return invitation.sent_at

    def run(self, invitation: Invitation, data: dict) -> str:
        Invitation.objects.filter(pk=invitation.pk).delete()
        return _("The invitation is withdrawn.")


ORGANIZER_ACTIONS = [Invite(), Close()]
MEMBERSHIP_ACTIONS = [ChangeRole(), Remove()]
INVITATION_ACTIONS = [Withdraw()]

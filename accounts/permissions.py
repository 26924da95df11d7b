"""Permissions of the API: staff's endpoints ask `accounts.roles`, others need nobody or an account."""

from rest_framework.permissions import BasePermission

from .roles import Ability, may


class MayAct(BasePermission):
    """For a view whose `needs` names the ability that each of its staff's actions takes.

    This refuses who has the ability nowhere; a row that is somebody else's is not found, by `visible`.
    """

    def has_permission(self, request, view) -> bool:
        ability: Ability | None = view.needs.get(view.action)
        return ability is None or may(request.user, ability)

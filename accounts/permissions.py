"""Permissions of the API: staff's endpoints ask `accounts.roles`, others need nobody or an account."""

from rest_framework.permissions import BasePermission

from .roles import Ability, may
from .second_factor import SecondFactorRequired, is_missing_from_token


class MayAct(BasePermission):
    """For a view whose `needs` names the ability that each of its staff's actions takes.

    Where a second factor is required of staff, their token must have been issued with one.

    This refuses who has the ability nowhere; a row that is somebody else's is not found, by `visible`.
    """

    def has_permission(self, request, view) -> bool:
        ability: Ability | None = view.needs.get(view.action)
        if ability is None:
            return True
        if not may(request.user, ability):
            return False
        if is_missing_from_token(request.user):
            raise SecondFactorRequired
        return True

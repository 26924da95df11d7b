"""Type of a request whose user is signed in."""

from django.http import HttpRequest

from .models import User


class SignedInRequest(HttpRequest):
    """For annotations: the request of a view behind `login_required`, or one for staff."""

    user: User

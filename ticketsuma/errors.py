"""Errors of the domain: a form error on a page, a problem+json answer in the API."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def retry_after(seconds: float | None) -> dict[str, str]:
    """The header that says when to try again (RFC 9110 10.2.3); none without `seconds`."""
    return {"Retry-After": str(int(seconds))} if seconds else {}


class DomainError(Exception):
    """Something that may not happen, said so that a program (`code`) and a person (`message`) understand.

    `status` is the HTTP status the API answers with, `field` the input it is about, if any;
    `retry_after` is in seconds, or None. `reason` is what another program gave as its reason, for staff and
    logs only: cut, without anything that pays or opens. `members` are more members of the API's answer
    (RFC 9457), such as what it costs now.
    """

    code = "refused"
    message: str | Promise = _("That is not possible.")
    status = 409
    field: str | None = None
    retry_after: int | None = None
    members: Mapping[str, int] = MappingProxyType({})

    def __init__(
        self, message: str | Promise | None = None, *, retry_after: int | None = None, reason: str = ""
    ):
        self.message = message or self.message
        self.reason = reason
        if retry_after is not None:
            self.retry_after = retry_after
        super().__init__(self.message)

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers of an answer that says it, whatever its body."""
        return retry_after(self.retry_after)

    @property
    def noted(self) -> str:
        """For a row's `last_error` and for logs: the code, then the reason when there is one."""
        return f"{self.code}: {self.reason}" if self.reason else self.code

"""Refusals the domain may utter: a form error on a page, a problem+json answer in the API."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """Something that may not happen, said so that a program (`code`) and a person (`sentence`) understand.

    `status` is the HTTP status the API answers with, `field` the input it is about, if any;
    `retry_after` is in seconds, or None.
    """

    code = "refused"
    sentence: str | Promise = _("That is not possible.")
    status = 409
    field: str | None = None
    retry_after: int | None = None

    def __init__(self, sentence: str | Promise | None = None, *, retry_after: int | None = None):
        self.sentence = sentence or self.sentence
        if retry_after is not None:
            self.retry_after = retry_after
        super().__init__(self.sentence)

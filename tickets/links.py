"""Secret links: a signed token of a row's id and of the link's generation, which opens the row."""

import uuid
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db import models
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from ticketsuma.search_keys import SearchedQuerySet

_REPLACED = "replaced"


class Replaced(Http404):
    """The link was good once, and was replaced by a newer one."""


class Linked(models.Model):
    """A row with a token. Raising `generation` ends every link there is; 0 is how links began."""

    generation = models.PositiveSmallIntegerField(_("link generation"), default=0, db_default=0)
    _signed: tuple[str, str] | None = None  # what was signed, and the token: a page asks for it eight times

    class Meta:
        abstract = True

    @staticmethod
    def signer() -> Signer:
        raise NotImplementedError

    @property
    def token(self) -> str:
        """Opens this row to whoever holds it: pages, mails, API."""
        name = f"{self.pk.hex}.{self.generation}" if self.generation else self.pk.hex
        if self._signed is None or self._signed[0] != name:
            self._signed = name, self.signer().sign(name)
        return self._signed[1]

    @classmethod
    def read_token(cls, token: str) -> tuple[uuid.UUID, int]:
        """The id and the generation that `token` says, or DoesNotExist for one that we did not sign."""
        try:
            name, _dot, generation = cls.signer().unsign(token).partition(".")
            return uuid.UUID(name), int(generation or 0)
        except (BadSignature, ValueError):
            raise cls.DoesNotExist from None


class TokenQuerySet(SearchedQuerySet):
    """Rows that a signed token opens for whoever holds it."""

    model: Any  # a Linked

    def by_token(self, token: str):
        """The row that `token` opens; raises DoesNotExist for a forged, foreign or replaced token alike."""
        pk, generation = self.model.read_token(token)
        row: Any = self.get(pk=pk)
        if row.generation != generation:
            raise self.model.DoesNotExist(_REPLACED)
        return row


def row_of_link(rows: QuerySet[Any, Any], token: str) -> Any:
    """The row for a page: Http404 for a link that never was, Replaced for one that is no longer good."""
    try:
        return rows.by_token(token)  # type: ignore[attr-defined]
    except rows.model.DoesNotExist as error:
        raise (Replaced if error.args == (_REPLACED,) else Http404) from None

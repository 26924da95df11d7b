"""Search keys: a stored text of a row's words, without marks, case and width.

A key is never empty but while it is due: on rows that an older version of the shop wrote, and after an
`update()` that cannot know it. `fill_due` makes it then, by the row as it is.
"""

import unicodedata
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from .querysets import DatedQuerySet

DUE = ""
MAX_AT_ONCE = 500
_LEFT_OUT = ("Mn", "Me", "Cf")  # marks, and signs that nobody sees or types


def fold(text: str) -> str:
    """`text` without marks, case and width (NFKD without marks, casefold, NFKC): "Ópera" → "opera"."""
    if text.isascii():
        return text.lower()
    bare = "".join(
        sign for sign in unicodedata.normalize("NFKD", text) if unicodedata.category(sign) not in _LEFT_OUT
    )
    return unicodedata.normalize("NFKC", bare.casefold())


def fold_all(texts) -> str:
    """The key of these texts, each on its line, so that no word is made of the end of one and the next."""
    return "".join(f"\n{fold(text)}" for text in texts)


class FoldedField(models.TextField):
    """The key of the row's `sources`, made whenever the row is saved or created."""

    def __init__(self, *sources: str, **options: Any):
        self.sources = sources
        usual: dict[str, Any] = {
            "verbose_name": _("search key"), "default": DUE, "db_default": DUE, "editable": False,
        }  # fmt: skip
        super().__init__(**usual | options)

    def deconstruct(self):
        name, path, _args, options = super().deconstruct()
        return name, path, self.sources, options

    def pre_save(self, row, add):
        key = fold_all(getattr(row, name) for name in self.sources)
        setattr(row, self.attname, key)
        return key


@FoldedField.register_lookup
class Folded(models.lookups.Contains):
    """`search_key__folded="Ópera"`: the key holds it, however it was typed."""

    lookup_name = "folded"

    def get_prep_lookup(self):
        return fold(str(self.rhs))

    def get_rhs_op(self, connection, rhs):
        return connection.operators["contains"] % rhs


class Searched(models.Model):
    """A row with a FoldedField named `search_key`, which `save()` keeps right."""

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        """Of a row saved in part, the key is made from what is stored: this copy's rest may be stale."""
        names = kwargs.get("update_fields")
        if names is None and (missing := self.get_deferred_fields()) and not self._state.adding:
            names = {field.name for field in self._meta.concrete_fields if field.attname not in missing}
        sources = set(_key_of(type(self)).sources)
        if names is None or not sources & set(names):
            super().save(*args, **kwargs)
        elif sources <= set(names):
            super().save(*args, **kwargs | {"update_fields": {*names, "search_key"}})
        else:
            with transaction.atomic():
                super().save(*args, **kwargs | {"update_fields": set(names) - {"search_key"}})
                rows = type(self)._base_manager.filter(pk=self.pk)
                self.search_key = fold_all(rows.values_list(*sources_of(type(self))).get())
                rows.update(search_key=self.search_key)


class SearchedQuerySet(DatedQuerySet):
    def update(self, **changes: Any) -> int:
        """A key whose words are all given is known at once; any other whose words change is due."""
        sources = sources_of(self.model)
        if changes.keys() & set(sources) and "search_key" not in changes:
            texts = [changes.get(name) for name in sources]
            known = all(isinstance(text, str) for text in texts)
            changes["search_key"] = fold_all(texts) if known else DUE
        return super().update(**changes)

    update.alters_data = True  # type: ignore[attr-defined]


def fill_due() -> None:
    """Make the keys that are due, some hundred of each kind: a chore of every worker."""
    for model in apps.get_models():
        if issubclass(model, Searched):
            fill(model)


def fill(model: Any) -> None:
    """Make up to `MAX_AT_ONCE` due keys of `model`'s rows.

    A row that changes meanwhile keeps what its change made of it.
    """
    sources = sources_of(model)
    rows = model._base_manager.filter(search_key=DUE).order_by("pk").values("pk", *sources)[:MAX_AT_ONCE]
    with transaction.atomic():
        for row in rows:
            texts = [row[name] for name in sources]
            model._base_manager.filter(search_key=DUE, **row).update(search_key=fold_all(texts))


def sources_of(model: Any) -> tuple[str, ...]:
    return _key_of(model).sources


def _key_of(model: Any) -> FoldedField:
    return model._meta.get_field("search_key")

"""Constraints of all models: each has an error text, and each change is dated."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import User
from tests.factories import UnprovenUserFactory
from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.querysets import DatedQuerySet

OURS = {"accounts", "events", "payments", "tickets"}
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]
CONSTRAINTS = [(model, constraint) for model in MODELS for constraint in model._meta.constraints]
DATED = [model for model in MODELS if any(field.name == "updated_at" for field in model._meta.fields)]


@pytest.mark.parametrize(("model", "constraint"), CONSTRAINTS, ids=lambda one: getattr(one, "name", ""))
def test_every_constraint_has_words_and_every_check_its_field(model, constraint):
    assert isinstance(constraint.violation_error_message, Promise)  # in the reader's language
    assert "onstraint" not in str(constraint.violation_error_message)
    if isinstance(constraint, CheckConstraint):
        assert model._meta.get_field(constraint.at)


def test_migrations_see_plain_constraints():
    """Other words make no migration, and no migration imports a class of ours."""
    for _model, constraint in CONSTRAINTS:
        path, _args, known = constraint.deconstruct()
        assert path in ("django.db.models.CheckConstraint", "django.db.models.UniqueConstraint")
        assert not {"violation_error_message", "at", "says"} & set(known)
    assert issubclass(Check, CheckConstraint)
    assert issubclass(Unique, UniqueConstraint)


@pytest.mark.parametrize("model", DATED, ids=lambda model: model._meta.label)
def test_what_is_dated_is_dated_by_update_too(model):
    assert isinstance(model._default_manager.all(), DatedQuerySet)


@pytest.mark.django_db
def test_update_moves_updated_at_along():
    long_ago = timezone.now() - timedelta(days=9)
    user = UnprovenUserFactory(email="ann@example.com")
    User.objects.update(updated_at=long_ago)
    assert User.objects.get().updated_at == long_ago
    User.objects.update(name="Ann")
    assert User.objects.get().updated_at >= user.updated_at

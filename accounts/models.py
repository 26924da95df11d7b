"""Users: buyers, ticket holders and staff."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from ticketsuma.addresses import normalize_address
from ticketsuma.constraint_messages import Unique
from ticketsuma.search_keys import FoldedField, Searched, SearchedQuerySet

from .history import HistoryEntry  # noqa: F401, Django looks for models here
from .roles import grants_of
from .second_person import PendingAct  # noqa: F401, likewise
from .sessions import SignIn  # noqa: F401, likewise


def normalize_email(email: str) -> str:
    """The one spelling under which an address is stored and compared; raises InvisibleSign."""
    return normalize_address(email)


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> SearchedQuerySet:
        return SearchedQuerySet(self.model, using=self._db)

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        user = self.model(email=normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email: str) -> "User":  # type: ignore[override]
        return self.get(email=normalize_email(email))


class User(Searched, AbstractBaseUser):
    """Somebody who signs in by e-mail. Whether they are staff is asked anew on every request."""

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Without it they cannot sign in, and are signed out.")
    )
    # Part of every API token; raising it ends them all at once.
    token_epoch = models.PositiveIntegerField(_("token epoch"), default=0)
    search_key = FoldedField("email", "name")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = UserManager()
    USERNAME_FIELD = EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    emailaddress_set: Any  # allauth's
    authenticator_set: Any  # likewise
    sign_ins: Any
    memberships: Any  # of organizers; see `roles`
    # Signed in by an API token that was issued without a second factor.
    by_token_alone = False

    class Meta:
        verbose_name, verbose_name_plural = _("user"), _("users")
        indexes = [
            models.Index(fields=["id"], name="accounts_user_key_due", condition=Q(search_key="")),
            models.Index(fields=["created_at", "id"], name="accounts_user_newest"),
        ]
        constraints = [
            Unique(
                Lower("email"), name="accounts_user_email_once", says=_("Somebody has this address."))
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.email

    @property
    def name_in_history(self) -> str:
        """Outlives the account, so it names nobody."""
        return f"#{self.pk}"

    def save(self, *args, **kwargs):
        self.email = normalize_email(self.email)
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name or self.email

    @cached_property
    def has_verified_email(self) -> bool:
        """Asked once for each loaded user, and so once a request: the admin wants to know fifty times."""
        return self.emailaddress_set.filter(email=self.email, verified=True).exists()

    @property
    def is_listed_as_staff(self) -> bool:
        return self.is_active and self.email in settings.ADMIN_EMAILS

    @property
    def is_superuser(self) -> bool:
        """An operator: active, exactly one of ADMIN_EMAILS, and proven to own that mailbox."""
        return self.is_listed_as_staff and self.has_verified_email

    @property
    def is_staff(self) -> bool:
        """An operator, or somebody with a role for an organizer; what they may is said by `roles`."""
        return self.is_superuser or bool(grants_of(self))

    def has_perm(self, perm, obj=None) -> bool:
        """Django's own permissions are nobody's but the operators': the admin asks `roles`."""
        return self.is_superuser

    def has_perms(self, perm_list, obj=None) -> bool:
        return self.is_superuser

    def has_module_perms(self, app_label) -> bool:
        return self.is_superuser


class Usage(models.Model):
    """How often somebody did something within the window that ends at `until`; see `rate_limits`."""

    key = models.CharField(
        _("key"), max_length=64, primary_key=True, help_text=_("A digest: no address in clear.")
    )
    uses = models.PositiveIntegerField(_("uses"))
    until = models.BigIntegerField(_("counted until"), db_index=True, help_text=_("Seconds since 1970."))

    class Meta:
        verbose_name, verbose_name_plural = _("rate limit counter"), _("rate limit counters")

    def __str__(self) -> str:
        return self.key

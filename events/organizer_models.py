"""Models of organizers: who sells, the people who work for them, and who is invited."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.models import normalize_email
from accounts.roles import Role
from ticketsuma.codes import new_code
from ticketsuma.constraint_messages import Unique
from ticketsuma.querysets import DatedQuerySet

GOOD_FOR = timedelta(days=7)


class Organizer(models.Model):
    """Whoever holds events in this shop: what buyers see of them, and what their invoices need.

    A closed one (`closed_at`) has no people and no page; its events and its statement stay.
    """

    organizer_path = ""
    hidden_in_history = {"legal_name", "tax_number"}

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(
        _("slug"), max_length=140, unique=True, blank=True, help_text=_("The address of its page.")
    )
    description = models.TextField(_("description"), blank=True, help_text=_("Markdown."))
    logo = models.ImageField(
        _("logo"), upload_to="covers/", blank=True, help_text=_("JPEG, PNG or WebP up to 10 MB.")
    )
    contact_email = models.EmailField(
        _("contact e-mail"), blank=True, help_text=_("Shown on its page, for questions of guests.")
    )
    legal_name = models.CharField(
        _("legal name"), max_length=160, blank=True,
        help_text=_("As it stands on receipts; empty: the name. Receipts that are drawn stay as they are."),
    )  # fmt: skip
    legal_address = models.TextField(
        _("legal address"), max_length=500, blank=True, help_text=_("On receipts, below the name.")
    )
    tax_number = models.CharField(
        _("tax number"), max_length=40, blank=True,
        help_text=_("On receipts, where there is one. The tax rate is said at each ticket type."),
    )  # fmt: skip
    refunds_when_moved = models.BooleanField(
        _("money back when moved"), default=True,
        help_text=_("What a new event begins with; each event has its own."),
    )  # fmt: skip
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("organizer"), _("organizers")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs):
        if not self.slug:
            self.slug = f"{slugify(self.name)[:120] or 'organizer'}-{new_code(5).lower()}"
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return f"/organizers/{self.slug}"

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None


class Membership(models.Model):
    """A person's role for one organizer; `events` are those of somebody at the door."""

    organizer_path = "organizer"

    organizer = models.ForeignKey(
        Organizer, models.CASCADE, related_name="memberships", verbose_name=_("organizer")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role)
    events = models.ManyToManyField(
        "events.Event", blank=True, related_name="+", verbose_name=_("events"),
        help_text=_("For the role “Door”: the events whose door it is."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("team member"), _("team")
        ordering = ["organizer", "created_at", "pk"]
        constraints = [
            Unique(
                fields=["organizer", "user"], name="events_membership_once",
                says=_("This person has a role already.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"

    @property
    def name_in_history(self) -> str:
        """Outlives the account, so it names nobody."""
        return f"#{self.user_id}, {self.role}"


class Invitation(models.Model):
    """A role that waits until the owner of a mailbox takes it, by the link that was mailed there."""

    organizer_path = "organizer"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organizer = models.ForeignKey(
        Organizer, models.CASCADE, related_name="invitations", verbose_name=_("organizer")
    )
    email = models.EmailField(_("e-mail"), max_length=254)
    role = models.CharField(_("role"), max_length=10, choices=Role)
    events = models.ManyToManyField(
        "events.Event", blank=True, related_name="+", verbose_name=_("events"),
        help_text=_("For the role “Door”: the events whose door it is."),
    )  # fmt: skip
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("invited by"),
    )  # fmt: skip
    sent_at = models.DateTimeField(_("sent"), default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("invitation"), _("invitations")
        ordering = ["organizer", "sent_at"]
        constraints = [
            Unique(
                "organizer", Lower("email"), name="events_invitation_once",
                says=_("This address is invited already.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.email}, {self.get_role_display()}"

    def save(self, *args, **kwargs):
        self.email = normalize_email(self.email)
        super().save(*args, **kwargs)

    @property
    def name_in_history(self) -> str:
        return f"{self.organizer}, {self.role}"

    @property
    def is_good(self) -> bool:
        return timezone.now() < self.sent_at + GOOD_FOR

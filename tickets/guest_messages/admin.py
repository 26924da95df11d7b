"""Admin of messages to guests."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.roles import Ability, visible
from events.models import Event
from tickets.admin_filters import EventFilter
from tickets.mail_health.states import STATE_WORDS, states_of
from ticketsuma.admin.actions import StaffActionsMixin
from ticketsuma.admin.base import ByRole
from ticketsuma.admin.event_times import moment_column, words
from ticketsuma.admin.history import KeepsHistory
from ticketsuma.admin.stale_forms import UnstaleAdmin
from ticketsuma.paginator import GrowingPaginator
from ticketsuma.templatetags.display import number
from ticketsuma.web.middleware import allow_sources

from .actions import MESSAGE_ACTIONS, concerns
from .delivery import write
from .forms import MessageForm, TranslationForm, moment_words
from .models import Message, Translation
from .services import copies_of
from .templatetags.guest_messages import mails_url


class OnlyDrafts(ByRole):
    """What was sent is as it was sent."""

    sees = changes = (Ability.MESSAGES,)

    def has_change_permission(self, request, obj=None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_draft)

    def has_add_permission(self, request, obj=None) -> bool:
        return super().has_add_permission(request, obj) and (obj is None or obj.is_draft)

    def has_delete_permission(self, request, obj=None) -> bool:
        return self.has_change_permission(request, obj)


class TranslationInline(OnlyDrafts, admin.StackedInline):
    model = Translation
    form = TranslationForm
    extra = 0
    fields = ["language", "subject", "text", "seen"]

    def get_fields(self, request, obj=None):
        return [name for name in self.fields if name != "seen" or self.has_change_permission(request, obj)]


@admin.register(Message)
class MessageAdmin(StaffActionsMixin, UnstaleAdmin, OnlyDrafts, KeepsHistory, admin.ModelAdmin):
    """A draft is begun with its event and words; then its page asks to whom it goes, and when."""

    staff_actions = MESSAGE_ACTIONS
    form = MessageForm
    event_path = "event"
    list_display = [
        "subject", "event", "status", "moment", "recipients", moment_column("begun_at", _("sent"), "event"),
    ]  # fmt: skip
    list_filter = [EventFilter, "status", "kind"]
    list_select_related = ["event"]
    search_fields = ["subject", "event__search_key__folded"]
    ordering = ["-created_at"]
    paginator = GrowingPaginator
    list_per_page = 50
    show_full_result_count = False
    actions = None
    inlines = [TranslationInline]
    radio_fields = {"kind": admin.VERTICAL}
    readonly_fields = ["status", "concerned", "shown", "progress", "moment", "begun"]

    def get_urls(self):
        view = self.admin_site.admin_view(require_safe(self.preview_view))
        name = "guest_messages_message_preview"
        return [path("<path:object_id>/preview", view, name=name), *super().get_urls()]

    def get_inlines(self, request, obj):
        return [] if obj is None else super().get_inlines(request, obj)

    def get_readonly_fields(self, request, obj=None):
        return [*self.readonly_fields, *(["event"] if obj else [])]

    def get_fieldsets(self, request, obj=None):
        """By what the message is now: begun, a draft, or under way."""
        words = ["event", "kind", "subject", "text"]
        if obj is None:
            return [(None, {"fields": words})]
        whom = ["guests", "ticket_type", ("question", "answer")]
        if not self.has_change_permission(request, obj):
            state = ["status", "progress", "begun"] if obj.begun_at else ["status"]
            return [
                (_("State"), {"fields": [*state, "shown"]}),
                (None, {"fields": words}),
                (_("To whom and when"), {"fields": [*whom, "moment"]}),
            ]
        return [
            (None, {"fields": [*words, "seen"]}),
            (_("To whom and when"), {"fields": [*whom, "minutes_from_start", "concerned", "shown"]}),
        ]

    def get_field_queryset(self, db, db_field, request):
        """Only guests of one's own events are written to."""
        if db_field.name == "event":
            events = visible(request.user, Event.objects.all(), Ability.MESSAGES)
            asked = request.GET.get("event", "")
            return events.filter(pk=int(asked)) if asked.isdecimal() else events.order_by("-start_time")
        return super().get_field_queryset(db, db_field, request)

    def response_add(self, request, obj, post_url_continue=None):
        messages.success(
            request, _("It is saved as a draft. Choose to whom it goes and when, look at it, then send it.")
        )
        return redirect("admin:guest_messages_message_change", obj.pk)

    def response_change(self, request, obj):
        """Back to the page with the buttons: that is where it goes on."""
        messages.success(request, _("The draft is saved."))
        return redirect("admin:guest_messages_message_change", obj.pk)

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The mail as a guest gets it, in `?language=`."""
        message = self.get_object(request, unquote(object_id))
        if message is None:
            raise Http404
        language = request.GET.get("language") or get_language() or ""
        me: Any = request.user
        html, _kind = write(message, to=me.email, language=language).alternatives[0]
        answer = HttpResponse(html)
        # Mails have their styles within.
        return allow_sources(answer, {"style-src": ["'unsafe-inline'"]})

    # -- columns ------------------------------------------------------------------------------
    @admin.display(description=_("when"))
    def moment(self, message: Message) -> str:
        return moment_words(message.minutes_from_start)

    @admin.display(description=_("sent"))
    def begun(self, message: Message) -> str:
        return words(message.begun_at, message.event.timezone)

    @admin.display(description=_("as it stands"))
    def concerned(self, message: Message) -> str:
        return concerns(message)

    @admin.display(description=_("preview"))
    def shown(self, message: Message) -> str:
        url = reverse("admin:guest_messages_message_preview", args=[message.pk])
        texts = [(url, _now("As everybody gets it"))]
        texts += [
            (f"{url}?language={each.language}", each.get_language_display())
            for each in message.translations.all()
        ]
        return format_html_join(" · ", '<a href="{}" target="_blank" rel="noopener">{}</a>', texts)

    @admin.display(description=_("how far it is"))
    def progress(self, message: Message) -> str:
        counts = {name: count for name, count in states_of(copies_of(message)).items() if count}
        done = (message.recipients or 0) - counts.get("waiting", 0)
        bar = format_html(
            '<progress max="{}" value="{}">{}</progress>', message.recipients or 1, done, number(done)
        )
        lines = format_html_join(
            ", ", '<a href="{}">{} {}</a>',
            ((mails_url(name, about=message.pk), number(count), STATE_WORDS[name])
             for name, count in counts.items()),
        )  # fmt: skip
        return format_html("{} {}", bar, lines or _now("Nobody was chosen by it."))

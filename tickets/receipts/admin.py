"""Receipts and credit notes in the admin: to be found and read, as a page and as a PDF."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.roles import Ability
from tickets.admin_filters import OrderEventFilter
from ticketsuma.admin.base import ReadOnlyAdmin, amount_column, sats_column
from ticketsuma.admin.event_times import moment_column, words
from ticketsuma.money import format_amount, format_basis_points

from .models import Addressee, Receipt
from .saying import addressee_of, seller_of
from .views import pdf_of


class KindFilter(admin.SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return [("receipts", _("Receipts")), ("notes", _("Credit notes"))]

    def queryset(self, request, queryset):
        match self.value():
            case "receipts":
                return queryset.filter(refund=None)
            case "notes":
                return queryset.exclude(refund=None)
        return queryset


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    sees = (Ability.SEE_MONEY,)
    event_path = "order.event"
    list_display = [
        "shown_number", "kind", "seller", "order",
        moment_column("issued_at", _("paid or sent back"), "order.event"),
        amount_column("amount", _("amount"), "currency"), amount_column("tax", _("tax included"), "currency"),
    ]  # fmt: skip
    list_filter = [OrderEventFilter, KindFilter]
    list_select_related = ["series", "order__event"]
    search_fields = ["=order__code", "=payment_hash"]
    ordering = ["-issued_at", "-pk"]
    fields = [
        "shown_number", "kind", "file", "order", "refund", "issued_at", "sold_by", "made_out_to", "formerly",
        "event_title", "told_lines", amount_column("amount", _("amount"), "currency"),
        amount_column("tax", _("tax included"), "currency"), sats_column("msats", _("in sats")), "rate",
        "payment_hash", "created_at",
    ]  # fmt: skip

    def get_urls(self):
        view = self.admin_site.admin_view(require_safe(self.pdf_view))
        return [path("<path:object_id>/pdf", view, name="receipts_receipt_pdf"), *super().get_urls()]

    def pdf_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        receipt = self.get_object(request, unquote(object_id))
        if receipt is None:
            raise Http404
        answer = pdf_of(receipt)
        answer["Cache-Control"] = "no-store"
        return answer

    # -- columns ------------------------------------------------------------------------------
    @admin.display(description=_("number"), ordering="number")
    def shown_number(self, receipt: Receipt) -> str:
        return receipt.name

    @admin.display(description=_("kind"))
    def kind(self, receipt: Receipt):
        return _("Credit note") if receipt.is_credit_note else _("Receipt")

    @admin.display(description=_("file"))
    def file(self, receipt: Receipt) -> str:
        return format_html('<a href="{}">PDF</a>', reverse("admin:receipts_receipt_pdf", args=[receipt.pk]))

    @admin.display(description=_("seller"))
    def sold_by(self, receipt: Receipt) -> str:
        return _lines(seller_of(receipt))

    @admin.display(description=_("made out to"))
    def made_out_to(self, receipt: Receipt) -> str:
        return _lines(addressee_of(receipt)) or "-"

    @admin.display(description=_("made out before to"))
    def formerly(self, receipt: Receipt) -> str:
        """Each with since when it was."""
        all_of_them = Addressee.objects.filter(receipt__order=receipt.order_id).order_by("pk")
        since = (format_html("{} {}", words(one.at, receipt.timezone), one.name) for one in all_of_them)
        return _lines(list(since)) or "-"

    @admin.display(description=_("lines"))
    def told_lines(self, receipt: Receipt) -> str:
        says = []
        for part in receipt.parts:
            told = "" if part.rate is None else f" ({format_basis_points(part.rate)})"
            says.append(f"{part.said}: {format_amount(part.amount, receipt.currency)}{told}")
        return _lines(says)


def _lines(texts: list[str]) -> str:
    return format_html_join("", "<div>{}</div>", ((text,) for text in texts))

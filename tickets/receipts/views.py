"""Pages and PDFs of receipts, for whoever holds the link of the order they are of."""

import re
from typing import Any

from django.contrib import messages
from django.forms import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.rate_limits import costly
from tickets.links import row_of_link
from tickets.models import Order
from tickets.views.acts import act_of, takes_acts
from tickets.views.decorators import private_page
from ticketsuma.errors import DomainError

from .addressees import NotDrawn, make_out, receipt_of
from .forms import AddresseeForm
from .models import Receipt
from .saying import addressee_of, facts_of, payment_of, seller_of, title_of

MINUS = "\N{MINUS SIGN}"


@private_page
@takes_acts("receipt")
def receipt(request: HttpRequest, token: str) -> HttpResponse:
    """The receipt of a paid order; until the worker has drawn it, a page that looks again by itself."""
    return _show_receipt(request, _order(token))


def _show_receipt(request: HttpRequest, order: Order, *, form=None, problem="", status=200) -> HttpResponse:
    try:
        of_order = receipt_of(order)
    except NotDrawn:
        return render(request, "receipts/waiting.html", {"order": order, "form": form}, status=status)
    except DomainError:
        return redirect(order)
    of_order.order = order
    if form is None:
        to = of_order.addressee
        form = AddresseeForm(initial=model_to_dict(to) if to else None)
    context = paper(of_order) | {
        "form": form,
        "problem": problem,
        "credit_notes": list(of_order.notes),
    }
    return render(request, "receipts/receipt.html", context, status=status)


@private_page
@act_of("receipt")
def receipt_addressee(request: HttpRequest, token: str) -> HttpResponse:
    """Have it made out to a company; its number stays."""
    order = _order(token)
    form = AddresseeForm(request.POST)
    if not form.is_valid():
        return _show_receipt(request, order, form=form, status=422)
    try:
        make_out(order, **form.cleaned_data)
    except DomainError as error:
        return _show_receipt(request, order, form=form, problem=str(error.message), status=error.status)
    messages.success(request, _("Saved. The receipt keeps its number."))
    return redirect("receipt", order.token)


@require_safe
@private_page
def credit_note(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """A credit note of the order; its receipt has a page of its own."""
    order = _order(token)
    found = document_of(order, name)
    if not found.is_credit_note:
        return redirect("receipt", token)
    return render(request, "receipts/receipt.html", paper(found))


@require_safe
@private_page
@costly
def receipt_file(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """A receipt or a credit note as a PDF, made anew of its row each time."""
    return pdf_of(document_of(_order(token), name))


def pdf_of(receipt: Receipt) -> HttpResponse:
    from .pdf import receipt_pdf  # reportlab takes a while to import

    answer = HttpResponse(receipt_pdf(receipt), content_type="application/pdf")
    kind = "credit-note" if receipt.is_credit_note else "receipt"
    answer["Content-Disposition"] = f'inline; filename="{kind}-{receipt.name}.pdf"'
    return answer


def document_of(order: Order, name: str) -> Receipt:
    """The receipt or credit note of `order` that is named, such as 2026-000123; Http404 for any other."""
    if not (match := re.fullmatch(r"([0-9]{4})-([0-9]{6,9})", name)):
        raise Http404
    year, number = match.groups()
    found = order.receipts.filter(series__year=int(year), number=int(number)).select_related("series").first()
    if found is None:
        raise Http404
    found.order = order
    return found


def paper(receipt: Receipt) -> dict[str, Any]:
    """What its page shows."""
    taxes = [(rate, gross - tax, tax, gross) for rate, gross, tax in receipt.taxes]
    is_note = receipt.is_credit_note
    return {
        "taxes": taxes, "sign": MINUS if is_note else "", "minus": MINUS,
        "columns": 2 - is_note + 2 * bool(taxes),
        "receipt": receipt, "order": receipt.order, "title": title_of(receipt), "seller": seller_of(receipt),
        "addressee": addressee_of(receipt), "facts": facts_of(receipt), "payment": payment_of(receipt),
    }  # fmt: skip


def _order(token: str) -> Order:
    return row_of_link(Order.objects.select_related("event", "payment"), token)

"""Correction of an order's e-mail on its page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.rate_limits import client_ip
from tickets.forms.orders import EmailForm
from tickets.services.email_corrections import correct_email
from ticketsuma.bidi import isolate
from ticketsuma.errors import DomainError

from .acts import act_of
from .decorators import private_page
from .orders import order_by_token, show_order


@private_page
@act_of("order")
def order_email(request: HttpRequest, token: str) -> HttpResponse:
    """The order's mails go to another address; whoever holds its link may say so until a day after paying."""
    order = order_by_token(token)
    before = order.email
    form = EmailForm(request.POST)
    if not form.is_valid():
        return show_order(request, order, email_form=form, status=422)
    try:
        replaced = correct_email(order, email=form.cleaned_data["email"], ip=client_ip(request))
    except DomainError as error:
        form.refuse(error)
        return show_order(request, order_by_token(token), email_form=form, status=error.status)
    if order.email != before:
        said = _("The mails of this order now go to %(email)s.") % {"email": isolate(order.email)}
        anew = _("Its links and codes are new; those that went to the earlier address open nothing any more.")
        messages.success(request, f"{said} {anew}" if replaced else said)
    return redirect(order)

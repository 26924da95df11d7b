"""Views of signed-in users: their tickets, their account, their data, and its deletion."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import NameForm
from accounts.http import SignedInRequest
from tickets.line_models import LINES
from tickets.models import Order
from tickets.pocket.keeping import keep_list
from tickets.services.data_export import export_person
from tickets.services.personal_data import StaffStay, erase_personal_data, orders_for_user

from .decorators import private_page

PER_PAGE = 12
SOONEST_HOLDS = 20


@require_safe
@login_required
@private_page
def my_tickets(request: SignedInRequest) -> HttpResponse:
    """Seats held and not paid; tickets for events to come, soonest first; and the rest, newest first."""
    orders = orders_for_user(request.user)
    holds, coming, past = _placed(orders)
    coming_page = Paginator(coming, PER_PAGE).get_page(request.GET.get("coming"))
    past_page = Paginator(past, PER_PAGE).get_page(request.GET.get("page"))
    rows = orders.select_related("event", "payment").prefetch_related("tickets", LINES)
    shown = rows.in_bulk([*holds, *coming_page, *past_page])
    page: Any
    for page in (coming_page, past_page):
        page.object_list = [shown[pk] for pk in page if pk in shown]
    context = {
        "holds": [shown[pk] for pk in holds if pk in shown], "coming": coming_page, "page": past_page,
    }  # fmt: skip
    return keep_list(request, render(request, "me/tickets.html", context))


def _placed(orders: QuerySet[Order]) -> tuple[list, list, list]:
    """The keys of seats held, of tickets to come, soonest first, and of the rest, latest first.

    All of a person's are read for it, so as few columns as decide it.
    """
    now, holds, coming, past = timezone.now(), [], [], []
    columns = ("pk", "status", "paid_at", "event__end_time", "event__canceled_at")
    soonest = orders.order_by("event__start_time", "created_at").values_list(*columns)
    for pk, status, paid_at, end_time, canceled_at in soonest:
        if status == Order.Status.PENDING:
            holds.append(pk)
        elif status == Order.Status.PAID and end_time >= now and canceled_at is None:
            coming.append(pk)
        elif status == Order.Status.PAID or (status == Order.Status.CANCELED and paid_at is not None):
            past.append(pk)
    return holds[:SOONEST_HOLDS], coming, past[::-1]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@private_page
def account(request: SignedInRequest) -> HttpResponse:
    """Name, address, password, data, sign out, delete; posting changes the name."""
    user = request.user
    form = NameForm(request.POST or None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        user.name = form.cleaned_data["name"]
        user.save(update_fields=["name", "updated_at"])
        messages.success(request, _("Saved."))
        return redirect("account_page")
    return render(request, "me/account.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@login_required
@reauthentication_required(app="allauth.account")
@private_page
def my_data(request: SignedInRequest) -> HttpResponse:
    """Everything the shop keeps about one, as a file."""
    answer = JsonResponse(export_person(request.user), json_dumps_params={"indent": 2, "ensure_ascii": False})
    answer["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required(app="allauth.account")
@private_page
def delete_account(request: SignedInRequest) -> HttpResponse:
    """Say what goes and what stays; posting makes it so, ends every session, and says goodbye."""
    problem, status = "", 200
    if request.method == "POST":
        try:
            erase_personal_data(request.user)
        except StaffStay as error:
            problem, status = str(error.message), error.status
    if request.method != "POST" or problem:
        paid = orders_for_user(request.user).filter(status=Order.Status.PAID)
        upcoming = paid.filter(event__end_time__gte=timezone.now()).exists()
        context = {"upcoming": upcoming, "problem": problem}
        return render(request, "me/delete.html", context, status=status)
    logout(request)
    messages.success(request, _("Your account is deleted."))
    return redirect("events")

"""Pages of the wallet: plain HTML forms; the script only refreshes what changed. No cookie, no session."""

import io

import segno
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from wallet import connect, requests, send, users
from wallet.balances import CannotPay
from wallet.models import Entry, UmaRequest, User

SHOWN = 40


@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    return render(request, "choose.html", {"users": User.objects.order_by("created_at", "name")})


@csrf_exempt
@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """A new wallet with 100,000 sats of play money, or the one that has this name."""
    name = request.POST.get("name", "").strip().lower().removeprefix("$").partition("@")[0]
    try:
        user, _ = users.ensure_user(name=name, balance_sats=100_000)
    except ValueError as error:
        shown = {"users": User.objects.order_by("created_at"), "error": f"Sorry: {error}.", "name": name}
        return render(request, "choose.html", shown, status=400)
    return HttpResponseRedirect(reverse("wallet", args=[user.name]))


def _contents(user: User) -> dict:
    """What the live part of a wallet shows."""
    open_rows = user.requests.filter(
        status__in=(UmaRequest.Status.WAITING, UmaRequest.Status.PAYING), expires_at__gt=timezone.now()
    )
    return {
        "user": user,
        "requests": open_rows.order_by("-created_at"),
        "closed": user.requests.exclude(pk__in=open_rows).order_by("-created_at")[:5],
        "entries": user.entries.select_related("payment")[:SHOWN],
    }


def _qr(text: str) -> str:
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out, kind="svg", xmldecl=False, border=3, dark="#111", light="#fff", omitsize=True
    )
    return out.getvalue().decode()


def _page(request: HttpRequest, user: User, *, status: int = 200, **more) -> HttpResponse:
    shown = _contents(user) | {"qr": _qr(user.uma_address)} | more
    return render(request, "wallet.html", shown, status=status)


@require_GET
def wallet(request: HttpRequest, name: str) -> HttpResponse:
    """`?to=` fills the pay box; `?paid=` shows what was just paid."""
    user = get_object_or_404(User, pk=name)
    paid = None
    if request.GET.get("paid", "").replace("-", "").isalnum():
        paid = next((row for row in user.entries.all()[:SHOWN] if str(row.pk) == request.GET["paid"]), None)
    return _page(request, user, to=request.GET.get("to", ""), paid=paid)


@require_GET
def live(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "_live.html", _contents(get_object_or_404(User, pk=name)))


@csrf_exempt
@require_POST
def pay(request: HttpRequest, name: str) -> HttpResponse:
    user, to = get_object_or_404(User, pk=name), request.POST.get("to", "")
    typed = request.POST.get("amount_sats", "").replace(",", "").replace(" ", "")
    amount = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else None
    try:
        entry = send.pay(user=user, to=to, amount_sats=amount or None)
    except CannotPay as error:
        user.refresh_from_db()
        shown = {
            "to": to,
            "amount": amount,
            "needs": error.needs,
            "error": "" if error.needs and not typed else str(error),
        }
        return _page(request, user, status=422, **shown)
    return _after(user, entry)


def _after(user: User, entry: Entry) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('wallet', args=[user.name])}?paid={entry.pk}", status=303)


def _request(name: str, request_id) -> UmaRequest:
    row = UmaRequest.objects.select_related("user").filter(user_id=name, pk=request_id).first()
    if row is None:
        raise Http404
    return row


@csrf_exempt
@require_POST
def approve(request: HttpRequest, name: str, request_id) -> HttpResponse:
    row = _request(name, request_id)
    try:
        return _after(row.user, requests.approve(row))
    except CannotPay as error:
        row.user.refresh_from_db()
        return _page(request, row.user, status=422, request_error=str(error))


@csrf_exempt
@require_POST
def decline(request: HttpRequest, name: str, request_id) -> HttpResponse:
    row = _request(name, request_id)
    try:
        requests.decline(row)
    except CannotPay as error:
        return _page(request, row.user, status=422, request_error=str(error))
    return HttpResponseRedirect(reverse("wallet", args=[name]), status=303)


@csrf_exempt
@require_POST
def add_sats(request: HttpRequest, name: str) -> HttpResponse:
    """Another 100,000 sats of play money."""
    users.add_sats(user=get_object_or_404(User, pk=name), amount_sats=100_000)
    return HttpResponseRedirect(reverse("wallet", args=[name]), status=303)


@csrf_exempt
@require_POST
def connect_program(request: HttpRequest, name: str) -> HttpResponse:
    """A link to paste into a shop, shown once."""
    user = get_object_or_404(User, pk=name)
    return _page(request, user, link=connect.link_of(connect.connect(user)))


@csrf_exempt
@require_POST
def disconnect_programs(request: HttpRequest, name: str) -> HttpResponse:
    get_object_or_404(User, pk=name).connections.all().delete()
    return HttpResponseRedirect(reverse("wallet", args=[name]), status=303)

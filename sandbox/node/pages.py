"""Pages for developers: the ledger, and the switches of all faults."""

from itertools import groupby

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from node import faults
from node.fault_kinds import KINDS, Kind
from node.models import Delivery, Fault, Node, Payment

SHOWN = 100


@require_GET
def ledger_page(request: HttpRequest) -> HttpResponse:
    payments = Payment.objects.select_related("payer", "payee", "invoice").order_by("-created_at")[:SHOWN]
    shown = {
        "nodes": Node.objects.order_by("is_world", "created_at"),
        "payments": payments,
        "deliveries": Delivery.objects.select_related("node").order_by("-pk")[:SHOWN],
    }
    return render(request, "ledger.html", shown)


def _page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    active: dict[str, list[Fault]] = {}
    for row in Fault.objects.exclude(remaining=0).order_by("pk"):
        active.setdefault(row.kind, []).append(row)
    groups = [
        (group, [(kind, active.get(kind.name, [])) for kind in kinds])
        for group, kinds in groupby(KINDS.values(), key=lambda kind: kind.group)
    ]
    shown = {"groups": groups, "count": sum(map(len, active.values())), "error": error}
    return render(request, "faults.html", shown, status=status)


@require_GET
def faults_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@csrf_exempt
@require_POST
def switch_on(request: HttpRequest) -> HttpResponse:
    kind = KINDS.get(request.POST.get("kind", ""))
    try:
        if kind is None:
            raise faults.UnknownFault("there is no such fault")
        faults.switch_on(kind=kind.name, **_typed(request, kind))
    except (faults.UnknownFault, ValueError) as error:
        return _page(request, error=f"Not switched on: {error}.", status=400)
    return HttpResponseRedirect(f"{reverse('faults')}#{kind.name}", status=303)


def _typed(request: HttpRequest, kind: Kind) -> dict:
    """What the form says, each field in its type. Raises ValueError."""
    post = request.POST
    params = {name: type(default)(post.get(name) or default) for name, default in kind.params.items()}
    return {
        "count": int(post["count"]) if post.get("count") else None,
        "delay_s": float(post["delay_s"]) if post.get("delay_s") else None,
        "match": post.get("match", "").strip(),
        "params": params,
    }


@csrf_exempt
@require_POST
def switch_off(request: HttpRequest) -> HttpResponse:
    """One kind, or everything."""
    kind = request.POST.get("kind", "")
    faults.switch_off(**({"kind": kind} if kind else {}))
    return HttpResponseRedirect(f"{reverse('faults')}#{kind}", status=303)

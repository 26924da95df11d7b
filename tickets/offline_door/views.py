"""Views of doors without a net: the list to take along, scans brought back, the page that opens offline."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe
from rest_framework import exceptions, serializers

from accounts.http import SignedInRequest
from tickets.pocket.keeping import who
from tickets.views.check_in import ScanForm, event_of_door, scanning_page, staff_page
from ticketsuma.api.exceptions import CONTENT_TYPE, problem
from ticketsuma.api.fields import SingleLineField, StrictIntegerField, StrictSerializer
from ticketsuma.api.parsers import loads
from ticketsuma.errors import DomainError

from .lists import take_list
from .models import DoorList
from .scans import MOST_AT_ONCE, Scan, merge

MAX_ID = 2**63 - 1
YEAR_2100 = 4_102_444_800_000  # in milliseconds since 1970, as browsers count


class TakeSerializer(StrictSerializer):
    device = serializers.UUIDField()
    known = SingleLineField(max_length=64, allow_blank=True, default="")


class ScanSerializer(StrictSerializer):
    scan = serializers.UUIDField()
    ticket = serializers.UUIDField()
    generation = StrictIntegerField(min_value=0, max_value=32767)
    at = StrictIntegerField(min_value=0, max_value=YEAR_2100)


class MergeSerializer(StrictSerializer):
    list = StrictIntegerField(min_value=1, max_value=MAX_ID)
    sent_at = StrictIntegerField(min_value=0, max_value=YEAR_2100)
    scans: serializers.ListSerializer = serializers.ListSerializer(
        child=ScanSerializer(), max_length=MOST_AT_ONCE, allow_empty=False
    )


def speaks_json(view: Callable[..., dict[str, Any]]) -> Callable[..., HttpResponse]:
    """JSON in and out; what is refused is a problem (RFC 9457) with its `code`, as in the API."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        try:
            return JsonResponse(view(request, loads(request.body), *args, **kwargs))
        except DomainError as error:
            return _refuse(request, error.status, error.code, error.message, error.headers)
        except exceptions.ValidationError:
            return _refuse(request, 400, "invalid", exceptions.ValidationError.default_detail)
        except exceptions.APIException as error:
            return _refuse(request, error.status_code, str(error.get_codes()), error.detail)
        except DoorList.DoesNotExist:
            return _refuse(request, 404, "not_found", exceptions.NotFound.default_detail)

    return answer


def _refuse(request: HttpRequest, status: int, code: str, detail: Any, headers=None) -> HttpResponse:
    body = problem(request=request, status=status, code=code, detail=detail)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


@require_POST
@staff_page
@speaks_json
def take(request: SignedInRequest, body: Any, event_id: int) -> dict[str, Any]:
    """Take an event's list along (`take_list`). Only for who minds its door."""
    asked = _read(TakeSerializer, body)
    event = event_of_door(request, event_id)
    taken = take_list(event, device=asked["device"], by=request.user, known=asked["known"])
    return taken | {"who": who(request)}  # the browser forgets it once somebody else is signed in


@require_POST
@staff_page
@speaks_json
def bring_back(request: SignedInRequest, body: Any, event_id: int) -> dict[str, Any]:
    """Merge scans of a device that had no net (`merge`), at most MOST_AT_ONCE."""
    asked = _read(MergeSerializer, body)
    event = event_of_door(request, event_id)
    scans = [Scan(**each) for each in asked["scans"]]
    return {
        "scans": merge(event, list_id=asked["list"], sent_at=asked["sent_at"], scans=scans, by=request.user)
    }


@require_safe
@staff_page
def shell(request: SignedInRequest, event_id: int) -> HttpResponse:
    """The door's page as browsers keep it for when there is no net: nobody's name is in it."""
    event = event_of_door(request, event_id)
    context = {"event": event, "form": ScanForm(), "is_shell": True, "last": [], "sold": 0, "inside": 0}
    return scanning_page(render(request, "tickets/door.html", context))


def _read(kind: type[StrictSerializer], body: Any) -> dict[str, Any]:
    asked = kind(data=body)
    asked.is_valid(raise_exception=True)
    return asked.validated_data

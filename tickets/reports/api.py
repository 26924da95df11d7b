"""Exports in the API, for staff: the same tables, columns and files as in the admin."""

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, PermissionDenied, ValidationError

from accounts.history import record
from accounts.permissions import MayAct
from accounts.roles import Ability, may, visible
from events.models import Event
from ticketsuma.api.fields import SingleLineField, StrictIntegerField, StrictSerializer
from ticketsuma.api.schema import problems
from ticketsuma.api.viewsets import ApiViewSet
from ticketsuma.zoned_fields import time_zones, zone_or_utc

from .periods import Period, is_possible
from .scopes import Scope
from .tables import TABLES, Column, Table
from .writing import FORMATS, XLSX, download

REFUSALS = ("not_authenticated", "permission_denied", "second_factor_required", "not_found")


class ExportSerializer(StrictSerializer):
    table = serializers.ChoiceField([*TABLES])
    first = serializers.DateField(help_text="First day, by the clocks of `timezone`.")
    last = serializers.DateField(help_text="Last day.")
    timezone = SingleLineField(max_length=64, default="UTC", help_text="Moments are told by its clocks, too.")
    columns = serializers.ListField(
        child=SingleLineField(max_length=40), default=list, max_length=40, help_text="Names; none: all."
    )
    format = serializers.ChoiceField([kind for kind, _label in FORMATS], default="csv")
    event_id = StrictIntegerField(
        required=False, min_value=0, max_value=10**18 - 1, help_text="Of this event only."
    )

    def validate_timezone(self, name: str) -> str:
        if name not in time_zones():
            raise ValidationError(ErrorDetail(f"{name} is not a time zone.", code="invalid"))
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not is_possible(attrs["first"], attrs["last"]):
            says = "The first day comes before the last, by ten years at most."
            raise ValidationError({"last": [ErrorDetail(says, code="invalid")]})
        table = TABLES[attrs["table"]]
        known = [column.name for column in table.columns]
        if unknown := sorted({*attrs["columns"]} - {*known}):
            says = f"There is no column {unknown[0]}; there are {', '.join(known)}."
            raise ValidationError({"columns": [ErrorDetail(says, code="invalid")]})
        return attrs


class ExportViewSet(ApiViewSet):
    permission_classes = [MayAct]
    needs = {"create": Ability.SEE_GUESTS}  # whoever sees money sees guests, too
    serializer_class = ExportSerializer

    @extend_schema(
        operation_id="export_table", tags=["staff"], request=ExportSerializer,
        responses={(200, "text/csv"): OpenApiTypes.BINARY, (200, XLSX): OpenApiTypes.BINARY}
        | problems(*REFUSALS, body=True),
    )  # fmt: skip
    def create(self, request):
        """The rows of a table as CSV or XLSX, oldest first; who took them is in the history.

        Orders, tickets and check-ins take the ability to see guests; payments, refunds and receipts that to
        see money.
        """
        asked = self.read(ExportSerializer)
        table: Table = TABLES[asked["table"]]
        if not may(request.user, table.needs):
            raise PermissionDenied
        event = None
        if "event_id" in asked:
            event = (
                visible(request.user, Event.objects.all(), table.needs).filter(pk=asked["event_id"]).first()
            )
            if event is None:
                raise Http404
        period = Period(asked["first"], asked["last"], zone_or_utc(asked["timezone"]))
        columns: list[Column] = [
            column for column in table.columns if not asked["columns"] or column.name in asked["columns"]
        ]
        record("export_table", event or request.user, said=table.name)
        rows = table.rows(Scope(request.user, event), period, columns)
        return download(f"{table.name}-{period.first}-{period.last}", rows, asked["format"])

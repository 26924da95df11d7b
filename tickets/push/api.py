"""Devices in the API: an app's push endpoint (Web Push or UnifiedPush, RFC 8030), added and forgotten."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from accounts.rate_limits import client_ip, hit
from ticketsuma.api.fields import SingleLineField, StrictSerializer
from ticketsuma.api.schema import problems
from ticketsuma.api.viewsets import ApiViewSet

from .devices import add_device, forget_device
from .keys import public_key
from .models import MAX_ENDPOINT, Kind


class DeviceSerializer(StrictSerializer):
    """A push endpoint with its keys, and of what it wants to be told."""

    endpoint = SingleLineField(max_length=MAX_ENDPOINT, help_text="Of the push service, https.")
    p256dh = SingleLineField(max_length=90, help_text="The device's public key, base64url (RFC 8291).")
    auth = SingleLineField(max_length=24, help_text="Its authentication secret, base64url.")
    kinds = serializers.ListField(
        child=serializers.ChoiceField(Kind.choices), required=False, max_length=10,
        help_text="Of what it is told; left out: as before, and a new one of all.",
    )  # fmt: skip


class ForgetDeviceSerializer(StrictSerializer):
    """A push endpoint, and the secret by which its device is known."""

    endpoint = SingleLineField(max_length=MAX_ENDPOINT)
    auth = SingleLineField(max_length=24)


class ToldSerializer(serializers.Serializer):
    kinds = serializers.ListField(child=serializers.CharField(), read_only=True)
    server_key = serializers.CharField(read_only=True, help_text="With which pushes are signed (RFC 8292).")


OWN: Any = ("not_authenticated", "throttled")


class DeviceViewSet(ApiViewSet):
    """One's devices, told apart by their endpoints."""

    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="add_device", tags=["accounts"], request=DeviceSerializer,
        responses={200: ToldSerializer} | problems(*OWN, "device_refused", body=True),
    )  # fmt: skip
    def create(self, request):
        """Have a device told of your orders by web push, or change of what. Sent twice it is one device."""
        hit("COSTLY_PER_IP", client_ip(request))
        said = self.read(DeviceSerializer)
        kinds = said.pop("kinds", None)
        device = add_device(**said, kinds=kinds, user=request.user)
        return Response({"kinds": device.wants, "server_key": public_key()})

    @extend_schema(
        operation_id="forget_device", tags=["accounts"], request=ForgetDeviceSerializer,
        responses={204: None} | problems(*OWN, body=True),
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def forget(self, request):
        """No more pushes to a device. One that is not known is forgotten, too."""
        forget_device(**self.read(ForgetDeviceSerializer))
        return Response(status=204)

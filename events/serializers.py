"""How the API says an event. The stream's address goes in and never comes out."""

from django.conf import settings
from rest_framework import serializers

from .models import Event


class EventSerializer(serializers.ModelSerializer):
    """What anybody may know about an event."""

    event_id = serializers.IntegerField(source="pk", read_only=True)
    url = serializers.SerializerMethodField(help_text="The event's page.")
    cover = serializers.SerializerMethodField(help_text="Address of its picture, or null.")
    seats_left = serializers.IntegerField(read_only=True)
    status = serializers.SerializerMethodField()
    price_sats = serializers.IntegerField(read_only=True, help_text="One seat, in satoshis; 0 is free.")

    class Meta:
        model = Event
        fields = [
            "id", "event_id", "title", "slug", "summary", "description", "organizer", "contact_email",
            "start_time", "end_time", "timezone", "sales_end", "capacity", "seats_left", "max_per_order",
            "price_sats", "status", "is_active", "url", "cover", "canceled_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_url(self, event: Event) -> str:
        return settings.SITE_URL + event.get_absolute_url()

    def get_cover(self, event: Event) -> str | None:
        return settings.SITE_URL + event.cover.url if event.cover else None

    def get_status(self, event: Event) -> str:
        """One of on_sale, sold_out, sales_closed, past, canceled."""
        if event.is_canceled:
            return "canceled"
        if event.is_past:
            return "past"
        if not event.sells:
            return "sales_closed"
        return "sold_out" if event.is_sold_out else "on_sale"

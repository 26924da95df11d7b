"""Rows of doors without a net, for tests."""

import uuid

from django.utils import timezone

from tickets.offline_door.models import DoorList, OfflineScan


def offline_scan(ticket) -> tuple[DoorList, OfflineScan]:
    """A list that a door took along, and what it brought back: `ticket` let in twice."""
    taken = DoorList.objects.create(event=ticket.order.event, device=uuid.uuid4(), by_name="door@example.com")
    now = timezone.now()
    scan = OfflineScan.objects.create(
        door_list=taken,
        scan=uuid.uuid4(),
        ticket=ticket,
        outcome="conflict",
        said_at=now,
        at=now,
        first_at=now,
    )  # fmt: skip
    return taken, scan

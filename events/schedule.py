"""Start and end of an event as text, in the event's time zone, and what is counted from the start."""

import zoneinfo
from datetime import datetime, timedelta

from django.utils import timezone


class Schedule:
    """Mixin for rows with start, end and time zone: their times in that zone."""

    start_time: datetime
    end_time: datetime
    timezone: str
    refund_hours: int | None

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.timezone)

    @property
    def ends_another_day(self) -> bool:
        """Whether its own clock strikes midnight before it ends."""
        return self.start_time.astimezone(self.zone).date() != self.end_time.astimezone(self.zone).date()

    @property
    def changes_clocks(self) -> bool:
        """Whether clocks are changed before it ends, so that its times alone do not say how long it is."""
        start, end = self.start_time.astimezone(self.zone), self.end_time.astimezone(self.zone)
        return start.utcoffset() != end.utcoffset()

    @property
    def refundable_until(self) -> datetime | None:
        """Until when tickets bought now may be given back for their money; None: never."""
        return None if self.refund_hours is None else self.start_time - timedelta(hours=self.refund_hours)

    @property
    def is_refundable(self) -> bool:
        """Whether a ticket bought now could be given back for its money at this moment."""
        return self.refundable_until is not None and timezone.now() < self.refundable_until

    @property
    def refund_policy(self) -> str:
        """Name of the policy in a form: `none`, or its hours."""
        return "none" if self.refund_hours is None else str(self.refund_hours)

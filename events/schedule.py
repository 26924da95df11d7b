"""Start and end of an event as text, in the event's time zone."""

import zoneinfo
from datetime import datetime


class Schedule:
    """Mixin for rows with start, end and time zone: their times in that zone."""

    start_time: datetime
    end_time: datetime
    timezone: str

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

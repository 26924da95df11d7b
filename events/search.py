"""Search among events by words of title, summary, organizer and description."""

from ticketsuma.search_keys import fold

MAX_WORDS = 6


def search(events, typed: str):
    """Those of `events` in which each of the first six words stands, however marks, case and width are."""
    for word in fold(typed).split()[:MAX_WORDS]:
        events = events.filter(search_key__folded=word)
    return events

"""Demo data: six events, and the two users who can sign in."""

import zoneinfo
from datetime import datetime, timedelta

from events.catalogue_models import PromoCode, TicketType
from events.models import Event
from events.question_models import Question

# Known to everybody who reads this: `seed` refuses where money is real.
SIGN_INS = (
    ("staff@example.com", "staff-of-the-demo", "Sam Staff"),
    ("buyer@example.com", "buyer-of-the-demo", "Bea Buyer"),
)


def _at(now: datetime, zone: str, *, days: int, hour: int, minute: int = 0) -> datetime:
    """`days` from today, at that time on a clock in `zone`."""
    local = now.astimezone(zoneinfo.ZoneInfo(zone)) + timedelta(days=days)
    return local.replace(hour=hour, minute=minute, second=0, microsecond=0)


def demo_events(now: datetime, *, on_air: str = "https://vimeo.com/76979871") -> list[Event]:
    """Six unsaved events around `now`; in an empty database they become 1 to 6, in this order.

    `on_air` is the address of the stream of the one that is live now.
    """
    lisbon = _at(now, "Europe/Lisbon", days=9, hour=21)
    kitchen = _at(now, "America/Los_Angeles", days=5, hour=18)
    marathon = (now - timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    studio = _at(now, "America/Sao_Paulo", days=3, hour=19, minute=30)
    school = _at(now, "Africa/Nairobi", days=16, hour=17)
    chess = _at(now, "Europe/Berlin", days=-12, hour=20)
    return [
        Event(
            title="Night Frequencies: a modular set from Lisbon", slug="night-frequencies",
            summary="Two hours of patch cables, tape loops and river fog, played live and never again.",
            description=_NIGHT, organizer_name="Casa do Sinal", contact_email="hello@example.com",
            start_time=lisbon, end_time=lisbon + timedelta(hours=2), timezone="Europe/Lisbon",
            capacity=200, price_sats=2_100, stream_url="https://www.youtube.com/watch?v=M7lc1UVf-VE",
        ),
        Event(
            title="Cook Along: hand-pulled noodles", slug="cook-along-noodles",
            summary="Flour, water, patience. Mei pulls, you pull, and at the end everybody eats.",
            description=_NOODLES, organizer_name="Mei's Long Table", contact_email="kitchen@example.com",
            start_time=kitchen, end_time=kitchen + timedelta(minutes=90), timezone="America/Los_Angeles",
            capacity=24, max_per_order=4, currency="USD", price_sats=1_500,
            stream_url="https://meet.jit.si/TicketsByUmaCookAlong",
        ),
        Event(
            title="The 48-Hour Listening Room", slug="listening-room",
            summary="On air right now: whole records, first groove to last, with the people who made them.",
            description=_LISTENING, organizer_name="Kissa Midori", contact_email="desk@example.com",
            start_time=marathon, end_time=marathon + timedelta(hours=48), timezone="Asia/Tokyo",
            capacity=500, price_sats=100, stream_url=on_air,
        ),
        Event(
            title="Open Studio: drawing the city in ink", slug="open-studio-ink",
            summary="A small evening class: one model street, one brush, twelve places at the table.",
            description=_INK, organizer_name="Ateliê da Esquina", contact_email="atelie@example.com",
            start_time=studio, end_time=studio + timedelta(hours=2), timezone="America/Sao_Paulo",
            capacity=12, max_per_order=3, price_sats=0,
            stream_url="https://meet.jit.si/TicketsByUmaOpenStudio",
        ),
        Event(
            title="Lightning for curious people", slug="lightning-for-curious-people",
            summary="What happens in the second between “pay” and “paid”? A free talk, with questions.",
            description=_LIGHTNING, organizer_name="Nairobi Evening School",
            contact_email="school@example.com",
            start_time=school, end_time=school + timedelta(minutes=75), timezone="Africa/Nairobi",
            capacity=1_000, price_sats=0, stream_url="https://www.youtube.com/live/M7lc1UVf-VE",
        ),
        Event(
            title="Twenty Boards: a chess simul", slug="twenty-boards",
            summary="One grandmaster, twenty opponents, no mercy. It was a long evening.",
            description=_CHESS, organizer_name="Schachfreunde Nord", contact_email="schach@example.com",
            start_time=chess, end_time=chess + timedelta(hours=3), timezone="Europe/Berlin",
            capacity=120, price_sats=1_000, stream_url="https://www.twitch.tv/chess",
        ),
    ]  # fmt: skip


def fill_catalogue(event: Event) -> None:
    """Several kinds of tickets, the code NOODLES, and two questions, for an event at a price."""
    table = TicketType.objects.get(event=event)
    table.name, table.description = "At the table", "You cook along, and Mei looks at your dough."
    table.save()
    TicketType.objects.create(
        event=event, name="Friend of the kitchen", position=1, price=2_400, pricing="at_least",
        suggested_price=3_600, description="The same seat; what is more pays for a seat of somebody else.",
    )  # fmt: skip
    TicketType.objects.create(
        event=event, name="Replay", position=2, price=600, admits="replay",
        description="No seat: watch it afterwards, as often as your dough needs.",
    )  # fmt: skip
    PromoCode.objects.create(event=event, text="NOODLES", kind="percent", value=20, max_uses=100)
    Question(event=event, label="What do you not eat?", hint="Mei has an answer to almost anything.").save()
    Question(
        event=event, label="How is your dough?", asked="after", kind="choice",
        options="Never made any\nIt tears\nIt flies",
    ).save()  # fmt: skip


_NIGHT = """\
Inês Prado builds her instruments herself. For this set she plays **four voices, one sequencer and a tape
machine from 1974**, from a boathouse on the south bank of the Tejo.

### The evening
- **21:00** – low tide: drones and field recordings
- **21:40** – the long patch, built from nothing while you watch
- **22:30** – questions, answered with cables in hand

Headphones help. There is no recording: when it is over, it is over.
"""

_NOODLES = """\
You need a bowl, a rolling pin and a surface you may *slap dough on*. The rest is in your kitchen.

### Shopping list, for two
- 400 g bread flour, salt, a little oil
- spring onions, garlic, chili flakes
- dark vinegar, or any vinegar and a pinch of sugar

Cameras are welcome but nobody has to be seen. The class is small so that Mei can look at every dough.
"""

_LISTENING = """\
Two days, one turntable, no skipping. Come for a side, stay for a night; your ticket is good until the end.

> “A record is a letter. You would not read every third line of a letter.”

Every four hours a guest brings an album they worked on and tells what is *not* on the sleeve.
"""

_INK = """\
We draw one street corner together, slowly. **No experience needed**, and mistakes in ink are called texture.

1. Twenty minutes of lines
2. Twenty minutes of shadow
3. One drawing you keep

Bring paper that can take water, one round brush and black ink. Places are few, so please come if you book.
"""

_LIGHTNING = """\
A plain talk about how a payment crosses the world in less than a second, who carries it, and what a
**UMA address** (`$you@wallet.com`) has to do with it. No slides with coins on them.

Afterwards as many questions as fit into half an hour.
"""

_CHESS = """\
Twenty boards, two hours of thinking time, one chair that nobody sat on.

The result: **17 wins, 2 draws, 1 loss**. Congratulations to board eleven.
"""

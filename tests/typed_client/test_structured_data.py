"""Structured data of events against schema.org's types (`schema-dts`, made from its published vocabulary)."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.factories import EventFactory, OrganizerFactory, TicketTypeFactory
from tests.typed_client.test_typed_client import PROGRAMS, run

HERE = Path(__file__).parent


@pytest.mark.django_db
def test_structured_data_is_an_event_of_schema_org(client):
    event = EventFactory(summary="About seats.", organizer=OrganizerFactory(name="The House"))
    TicketTypeFactory(event=event, name="Later", sales_start=timezone.now() + timedelta(days=1))
    page = client.get(event.get_absolute_url()).content.decode()
    [text] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert len(json.loads(text)["offers"]) == 2
    source = HERE / "structured_data.ts"  # beside the types, which are looked for from there
    source.write_text(
        f'import type {{ Event, WithContext }} from "schema-dts";\n'
        f"export const event: WithContext<Event> = {text};\n"
    )
    try:
        run(
            PROGRAMS / "tsc",
            "--strict",
            "--noEmit",
            "--moduleResolution",
            "bundler",
            "--module",
            "es2022",
            source,
        )
    finally:
        source.unlink()

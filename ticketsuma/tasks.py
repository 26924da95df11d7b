"""Periodic tasks of what all apps share: search keys."""

from ticketsuma import search_keys
from ticketsuma.jobs.registry import registry

registry.add_periodic_task(30, search_keys.fill_due)

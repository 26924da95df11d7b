"""Periodic tasks of events: pictures of forms that nobody sent again."""

from ticketsuma.jobs.registry import registry

from .covers import forget_kept_covers

registry.add_periodic_task(3600, forget_kept_covers)

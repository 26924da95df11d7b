"""Periodic tasks of accounts: expired sessions."""

from django.contrib.sessions.backends.db import SessionStore

from ticketsuma.jobs.registry import registry

from .sessions import forget_ended


def clear_sessions() -> None:
    """Sessions that are over are gone: they say who was signed in and what was bought in a browser."""
    SessionStore.clear_expired()
    forget_ended()


registry.add_periodic_task(3600, clear_sessions)

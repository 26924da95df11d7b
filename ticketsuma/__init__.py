"""Tickets by UMA: settings, the API, the worker, and what all apps share."""

__version__ = "0.9.0"

"""Factories of scheduled exports."""

from datetime import date

import factory
from factory.django import DjangoModelFactory

from tickets.scheduled_exports.models import ExportMail, ScheduledExport


class ScheduledExportFactory(DjangoModelFactory):
    """Of orders, every day at seven in UTC; switched on."""

    class Meta:
        model = ScheduledExport
        skip_postgeneration_save = True

    table = "orders"
    every = "day"
    is_active = True
    next_on = date(2031, 5, 2)

    @factory.post_generation
    def recipients(self, create, people, **kwargs):
        self.recipients.set(people or [])


class ExportMailFactory(DjangoModelFactory):
    class Meta:
        model = ExportMail

    first, last = date(2031, 5, 1), date(2031, 5, 1)

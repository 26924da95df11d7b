from django.db import migrations

import ticketsuma.spans
from ticketsuma.migration_operations import AddIndexBesideSales


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('events', '0009_currency'),
    ]

    operations = [
        AddIndexBesideSales(
            model_name='event',
            index=ticketsuma.spans.SpanIndex(fields=['start_time', 'end_time'], name='events_event_span'),
        ),
    ]

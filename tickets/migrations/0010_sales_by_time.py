from django.db import migrations, models

from ticketsuma.migration_operations import AddIndexBesideSales


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tickets", "0009_messages")]

    operations = [
        AddIndexBesideSales(
            model_name="order",
            index=models.Index(
                condition=models.Q(("paid_at__isnull", False)),
                fields=["paid_at"],
                name="tickets_order_paid_at",
            ),
        ),
    ]

from django.db import migrations

from ticketsuma.migration_operations import GiveWay


class Migration(migrations.Migration):
    dependencies = [("tickets", "0010_sales_by_time")]

    operations = [GiveWay(), migrations.RemoveIndex(model_name="order", name="tickets_order_paid")]

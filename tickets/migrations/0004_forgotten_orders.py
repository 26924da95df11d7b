from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0003_announcement_and_language")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="is_forgotten",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Its buyer has left; what money may still need goes later.",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("is_forgotten", True)), fields=["id"], name="tickets_order_forgotten"
            ),
        ),
    ]

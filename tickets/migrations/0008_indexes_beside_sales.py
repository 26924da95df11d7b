from django.db import migrations, models

from ticketsuma.migration_operations import AddIndexBesideSales, IndexForeignKey


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('tickets', '0007_questions'),
    ]

    operations = [
        AddIndexBesideSales(
            model_name='ticket',
            index=models.Index(condition=models.Q(('holder_email', ''), _negated=True), fields=['holder_email'], name='tickets_ticket_holder'),
        ),
        IndexForeignKey(model_name='order', field='promo_code', name='tickets_order_promo_code_id_51d60b07'),
        IndexForeignKey(model_name='ticket', field='line', name='tickets_ticket_line_id_8f0e9b27'),
    ]

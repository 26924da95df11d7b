import uuid

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import ticketsuma.search_keys
from django.conf import settings
from django.db import migrations, models

from ticketsuma.migration_operations import AddForeignKey, GiveWay


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_growth'),
        ('events', '0002_growth'),
    ]

    operations = [
        GiveWay(),
        migrations.CreateModel(
            name='Organizer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('slug', models.SlugField(blank=True, max_length=140, unique=True)),
                ('description', models.TextField(blank=True)),
                ('logo', models.ImageField(blank=True, upload_to='covers/')),
                ('contact_email', models.EmailField(blank=True, max_length=254)),
                ('legal_name', models.CharField(blank=True, max_length=160)),
                ('legal_address', models.TextField(blank=True, max_length=500)),
                ('tax_number', models.CharField(blank=True, max_length=40)),
                ('refunds_when_moved', models.BooleanField(default=True)),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['name', 'pk'],
            },
        ),
        # The text stays in its column, under the name that says what it is.
        migrations.AlterField(
            model_name='event',
            name='organizer',
            field=models.CharField(blank=True, db_column='organizer', max_length=120),
        ),
        migrations.RenameField(model_name='event', old_name='organizer', new_name='organizer_name'),
        migrations.AlterField(
            model_name='event',
            name='search_key',
            field=ticketsuma.search_keys.FoldedField('title', 'summary', 'organizer_name', 'description', db_default='', default='', editable=False),
        ),
        AddForeignKey(
            model_name='event',
            name='organizer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='events.organizer'),
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('manager', 'Manager'), ('finance', 'Finance'), ('door', 'Door'), ('reader', 'Reader')], max_length=10)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('events', models.ManyToManyField(blank=True, related_name='+', to='events.event')),
                ('organizer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='events.organizer')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['organizer', 'created_at', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('organizer', 'user'), name='events_membership_once')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('manager', 'Manager'), ('finance', 'Finance'), ('door', 'Door'), ('reader', 'Reader')], max_length=10)),
                ('sent_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('events', models.ManyToManyField(blank=True, related_name='+', to='events.event')),
                ('invited_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organizer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='events.organizer')),
            ],
            options={
                'ordering': ['organizer', 'sent_at'],
                'constraints': [models.UniqueConstraint(models.F('organizer'), django.db.models.functions.text.Lower('email'), name='events_invitation_once')],
            },
        ),
    ]

# The last heartbeat of each vehicle, and what it should be like.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Desire',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveIntegerField()),
                ('settings', models.JSONField(default=dict)),
                ('pack', models.JSONField(null=True)),
                ('zones', models.JSONField(null=True)),
                ('send_again_since', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField()),
                ('vehicle', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to='fleet.vehicle')),
            ],
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('received_at', models.DateTimeField(null=True)),
                ('skew_s', models.FloatField(null=True)),
                ('digest', models.CharField(max_length=64)),
                ('body', models.JSONField()),
                ('vehicle', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to='fleet.vehicle')),
            ],
        ),
    ]

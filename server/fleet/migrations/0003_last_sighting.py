# When a vehicle last sent a sighting.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0002_heartbeat_and_desire'),
    ]

    operations = [
        migrations.AddField(
            model_name='vehicle',
            name='last_sighting_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]

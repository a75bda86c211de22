from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0014_what_a_merged_case_held"),
        ("fleet", "0003_last_sighting"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="case",
            name="case_queue",
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["state", "shadow", "-priority", "id", "lease_until", "lease_by", "city"], name="case_queue"
            ),
        ),
    ]

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0009_fill_the_milestones")]

    operations = [
        migrations.AddField(model_name="case", name="placed_by_hand", field=models.BooleanField(db_default=False, default=False))
    ]

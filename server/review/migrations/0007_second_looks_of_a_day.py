import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fleet", "0003_last_sighting"),
        ("review", "0006_what_a_merging_answer_moved"),
    ]

    operations = [
        migrations.CreateModel(
            name="LooksOfDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("decided", models.PositiveIntegerField(default=0)),
                ("asked", models.PositiveIntegerField(default=0)),
                ("skipped", models.PositiveIntegerField(default=0)),
                (
                    "city",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="fleet.city"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("city", "day"), name="looks_of_day_once")],
            },
        ),
    ]

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0013_counts_of_several_sizes"),
        ("review", "0005_find_verdicts_of_a_day"),
    ]

    operations = [
        migrations.CreateModel(
            name="MergeByVerdict",
            fields=[
                (
                    "verdict",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="merge",
                        serialize=False,
                        to="review.verdict",
                    ),
                ),
                ("sightings", models.JSONField()),
                (
                    "into",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.case"
                    ),
                ),
            ],
        ),
    ]

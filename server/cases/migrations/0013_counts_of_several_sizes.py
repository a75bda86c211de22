import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0012_find_hidden_pictures"), ("fleet", "0003_last_sighting")]

    operations = [
        migrations.DeleteModel("CaseCount"),
        migrations.CreateModel(
            "CaseCount",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("per_degree", models.PositiveSmallIntegerField()),
                ("shadow", models.BooleanField()),
                ("row", models.IntegerField()),
                ("column", models.IntegerField()),
                ("cases", models.PositiveIntegerField()),
                ("lat_deg", models.FloatField()),
                ("lon_deg", models.FloatField()),
                ("kinds", models.BinaryField()),
                ("city", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="fleet.city")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("city", "per_degree", "shadow", "row", "column"), name="counted_once")]},
        ),
    ]

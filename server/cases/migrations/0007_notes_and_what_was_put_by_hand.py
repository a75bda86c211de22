from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0006_find_cases_that_are_leased"),
        ("fleet", "0003_last_sighting"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("about", models.CharField(blank=True, max_length=12)),
                ("words", models.CharField(max_length=1000)),
                ("struck_at", models.DateTimeField(null=True)),
                ("case", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="cases.case")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(model_name="note", index=models.Index(fields=["case", "at"], name="note_of_case")),
        migrations.AddField(model_name="sighting", name="by_hand", field=models.BooleanField(db_default=False, default=False)),
        migrations.AlterField(
            model_name="sighting",
            name="vehicle",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="fleet.vehicle"),
        ),
        migrations.AddIndex(
            model_name="sighting", index=models.Index(fields=["vehicle", "-case"], name="sighting_of_vehicle")
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["city", "shadow", "last_seen_at", "state", "category"], name="case_seen"),
        ),
    ]

"""A card's map reads the roads near it along the index alone: among a million cases their rows lie all over the file."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0017_fill_returned_and_retracted"), ("fleet", "0003_last_sighting")]
    operations = [
        migrations.RemoveIndex(model_name="sighting", name="sighting_fix"),
        migrations.AddIndex(
            model_name="sighting",
            index=models.Index(
                fields=["city", "fix_lat_deg", "fix_lon_deg", "monotonic_ns", "pass_id"], name="sighting_fix"
            ),
        ),
    ]

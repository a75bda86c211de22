from django.db import migrations, models
from django.db.models import Exists, OuterRef


def rename_the_older(apps, schema_editor):
    """Of several destinations of one name the newest stays; the older ones are switched off."""
    destinations = apps.get_model("city", "Destination").objects
    newer = destinations.filter(city=OuterRef("city"), name=OuterRef("name"), id__gt=OuterRef("id"))
    for old in destinations.filter(Exists(newer)):
        destinations.filter(id=old.id).update(name=f"{old.name[:50]} ({old.id})", enabled=False)


class Migration(migrations.Migration):
    dependencies = [("city", "0002_a_handover_ends")]

    operations = [
        migrations.RunPython(rename_the_older, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.UniqueConstraint(fields=("city", "name"), name="destination_name_once"),
        ),
    ]

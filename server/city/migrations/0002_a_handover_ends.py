from django.db import migrations, models
from django.utils import timezone


def end_what_is_over(apps, schema_editor):
    """Hand-overs of cases that the city no longer has, or should not have."""
    handovers = apps.get_model("city", "Handover").objects.filter(kind="case.confirmed")
    handovers.exclude(case__state__in=("confirmed", "handed_over", "accepted")).update(ended_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("city", "0001_initial"), ("cases", "0001_initial")]

    operations = [
        migrations.AddField(model_name="handover", name="ended_at", field=models.DateTimeField(null=True)),
        migrations.RunPython(end_what_is_over, migrations.RunPython.noop),
    ]

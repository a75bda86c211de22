from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("city", "0004_find_what_came_to_a_city")]

    operations = [
        migrations.AddIndex(
            model_name="handover",
            index=models.Index(
                fields=["destination", "kind", "-receipted_at", "-case"],
                name="handover_when",
                condition=models.Q(receipted_at__isnull=False),
            ),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("city", "0003_destination_name_once"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="handover",
            index=models.Index(
                condition=models.Q(("receipted_at__isnull", False)),
                fields=["destination", "kind", "-case"],
                name="handover_came",
            ),
        ),
    ]

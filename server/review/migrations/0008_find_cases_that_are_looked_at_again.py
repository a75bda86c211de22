from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0007_second_looks_of_a_day"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="look",
            index=models.Index(condition=models.Q(("done_at", None)), fields=["city", "-case"], name="look_at_case"),
        ),
    ]

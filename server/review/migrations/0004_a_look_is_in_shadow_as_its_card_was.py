from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0003_fill_kind_and_what_was_proposed"),
    ]

    operations = [
        migrations.AddField(
            model_name="look",
            name="shadow",
            field=models.BooleanField(default=False),
        ),
    ]

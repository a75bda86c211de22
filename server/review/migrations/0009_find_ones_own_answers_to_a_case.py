from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0015_find_free_cards_along_the_index"),
        ("fleet", "0003_last_sighting"),
        ("review", "0008_find_cases_that_are_looked_at_again"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="verdict",
            name="verdict_of_case",
        ),
        migrations.AddIndex(
            model_name="verdict",
            index=models.Index(fields=["case", "person", "at"], name="verdict_of_case"),
        ),
    ]

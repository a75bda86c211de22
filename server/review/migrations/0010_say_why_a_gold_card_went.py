from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("review", "0009_find_ones_own_answers_to_a_case")]

    operations = [
        migrations.AddField(
            model_name="gold",
            name="retired_because",
            field=models.CharField(blank=True, default="", max_length=24),
        ),
    ]

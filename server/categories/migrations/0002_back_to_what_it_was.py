import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('categories', '0001_standing'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='categorystanding',
            name='before',
            field=models.CharField(blank=True, max_length=8),
        ),
        migrations.AddField(
            model_name='categorystanding',
            name='before_pack',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='categorystanding',
            name='before_person',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='categorystanding',
            name='tried_until',
            field=models.DateTimeField(null=True),
        ),
    ]

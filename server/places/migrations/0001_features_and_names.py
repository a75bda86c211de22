
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cases', '0004_shadow'),
        ('fleet', '0003_last_sighting'),
    ]

    operations = [
        migrations.CreateModel(
            name='CasePlace',
            fields=[
                ('case', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='place', serialize=False, to='cases.case')),
                ('named_by', models.PositiveBigIntegerField()),
                ('lat_deg', models.FloatField()),
                ('lon_deg', models.FloatField()),
                ('road_zh', models.CharField(blank=True, max_length=100)),
                ('road_en', models.CharField(blank=True, max_length=100)),
                ('side', models.CharField(blank=True, max_length=5)),
                ('landmark_zh', models.CharField(blank=True, max_length=100)),
                ('landmark_en', models.CharField(blank=True, max_length=100)),
                ('landmark_m', models.PositiveIntegerField(null=True)),
                ('grid', models.CharField(blank=True, max_length=15)),
                ('district_zh', models.CharField(blank=True, max_length=100)),
                ('district_en', models.CharField(blank=True, max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name='Feature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('road', 'road'), ('landmark', 'landmark'), ('grid', 'grid'), ('district', 'district')], max_length=8)),
                ('name_zh', models.CharField(blank=True, max_length=100)),
                ('name_en', models.CharField(blank=True, max_length=100)),
                ('code', models.CharField(blank=True, max_length=15)),
                ('is_area', models.BooleanField()),
                ('lat_min', models.FloatField()),
                ('lat_max', models.FloatField()),
                ('lon_min', models.FloatField()),
                ('lon_max', models.FloatField()),
                ('edges', models.BinaryField()),
                ('city', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='fleet.city')),
            ],
            options={
                'indexes': [models.Index(fields=['city', 'kind', 'lat_min', 'lat_max', 'lon_min', 'lon_max'], name='feature_around')],
            },
        ),
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('road', 'road'), ('landmark', 'landmark'), ('grid', 'grid'), ('district', 'district')], max_length=8)),
                ('made_at', models.DateTimeField()),
                ('features', models.PositiveIntegerField()),
                ('tallest_deg', models.FloatField()),
                ('city', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='fleet.city')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('city', 'kind'), name='places_imported_once')],
            },
        ),
    ]

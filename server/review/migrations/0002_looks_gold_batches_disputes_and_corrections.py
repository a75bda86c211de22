import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0010_placed_by_hand'),
        ('fleet', '0003_last_sighting'),
        ('review', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Batch',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('category', models.CharField(max_length=48)),
                ('cases', models.JSONField()),
                ('made_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(null=True)),
                ('shown_ms', models.PositiveIntegerField(default=0)),
                ('missed_gold', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('opened_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, max_length=8)),
            ],
        ),
        migrations.CreateModel(
            name='Gold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('answer', models.CharField(max_length=8)),
                ('category', models.CharField(blank=True, max_length=48)),
                ('made_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Look',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('second', 'second'), ('gold', 'gold')], max_length=8)),
                ('weight', models.PositiveSmallIntegerField(default=1)),
                ('made_at', models.DateTimeField()),
                ('lease_until', models.DateTimeField(null=True)),
                ('done_at', models.DateTimeField(null=True)),
                ('told_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ZoneProposal',
            fields=[
                ('verdict', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='zone_proposal', serialize=False, to='review.verdict')),
                ('made_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('accepted', models.BooleanField(default=False)),
            ],
        ),
        migrations.AddField(
            model_name='verdict',
            name='batch',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='verdict',
            name='box',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='verdict',
            name='box_sha256',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='verdict',
            name='city',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='fleet.city'),
        ),
        migrations.AddField(
            model_name='verdict',
            name='kind',
            field=models.CharField(choices=[('first', 'first'), ('second', 'second'), ('gold', 'gold'), ('late', 'late'), ('settled', 'settled')], default='first', max_length=8),
        ),
        migrations.AddField(
            model_name='verdict',
            name='lat_deg',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='verdict',
            name='lon_deg',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='verdict',
            name='probability',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='verdict',
            name='proposed',
            field=models.CharField(blank=True, max_length=48),
        ),
        migrations.AddIndex(
            model_name='verdict',
            index=models.Index(fields=['city', 'proposed', '-at'], name='verdict_of_category'),
        ),
        migrations.AddIndex(
            model_name='verdict',
            index=models.Index(condition=models.Q(('reason', 8)), fields=['-at'], name='verdict_of_face'),
        ),
        migrations.AddField(
            model_name='batch',
            name='city',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='fleet.city'),
        ),
        migrations.AddField(
            model_name='batch',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='dispute',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='cases.case'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='city',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='fleet.city'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='first',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='review.verdict'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='second',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='review.verdict'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='settled_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='review.verdict'),
        ),
        migrations.AddField(
            model_name='gold',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='golds', to='cases.case'),
        ),
        migrations.AddField(
            model_name='gold',
            name='city',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='fleet.city'),
        ),
        migrations.AddField(
            model_name='gold',
            name='made_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='look',
            name='about',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='looks', to='review.verdict'),
        ),
        migrations.AddField(
            model_name='look',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='looks', to='cases.case'),
        ),
        migrations.AddField(
            model_name='look',
            name='city',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='fleet.city'),
        ),
        migrations.AddField(
            model_name='look',
            name='first_person',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='look',
            name='gold',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='looks', to='review.gold'),
        ),
        migrations.AddField(
            model_name='look',
            name='person',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='look',
            name='verdict',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='look', to='review.verdict'),
        ),
        migrations.AddField(
            model_name='batch',
            name='gold',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='batches', to='review.look'),
        ),
        migrations.AddField(
            model_name='zoneproposal',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='zone_proposals', to='cases.case'),
        ),
        migrations.AddField(
            model_name='zoneproposal',
            name='city',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='fleet.city'),
        ),
        migrations.AddField(
            model_name='zoneproposal',
            name='closed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(fields=['-settled_at'], name='dispute_settled'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(condition=models.Q(('settled_at', None)), fields=('case',), name='case_disputed_once'),
        ),
        migrations.AddConstraint(
            model_name='gold',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('case',), name='case_gold_once'),
        ),
        migrations.AddIndex(
            model_name='look',
            index=models.Index(condition=models.Q(('done_at', None), ('kind', 'second')), fields=['first_person', 'id'], name='look_to_take'),
        ),
        migrations.AddIndex(
            model_name='look',
            index=models.Index(condition=models.Q(('done_at', None)), fields=['person'], name='look_held'),
        ),
        migrations.AddIndex(
            model_name='look',
            index=models.Index(condition=models.Q(('kind', 'gold')), fields=['person', '-made_at'], name='look_at_gold'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(condition=models.Q(('missed_gold', True)), fields=['person', 'done_at'], name='batch_missed'),
        ),
        migrations.AddIndex(
            model_name='zoneproposal',
            index=models.Index(condition=models.Q(('closed_at', None)), fields=['city', 'made_at'], name='zone_proposed'),
        ),
    ]

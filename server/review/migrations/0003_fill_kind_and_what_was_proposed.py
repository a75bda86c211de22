from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce


def fill(apps: Any, _: Any) -> None:
    """Verdicts of before: one that did not count came late; what was proposed is what the case's sightings say."""
    verdict, case, sighting = (apps.get_model(*each) for each in (("review", "Verdict"), ("cases", "Case"), ("cases", "Sighting")))  # fmt: skip
    verdict.objects.filter(counted=False).update(kind="late")
    of_case = case.objects.filter(id=OuterRef("case"))
    seen_as = sighting.objects.filter(case=OuterRef("case")).values("category")[:1]
    verdict.objects.filter(city=None).update(
        city=Subquery(of_case.values("city")[:1]),
        proposed=Coalesce(Subquery(seen_as), Subquery(of_case.values("category")[:1])),
        probability=Subquery(of_case.values("probability")[:1]),
    )


class Migration(migrations.Migration):
    dependencies = [("review", "0002_looks_gold_batches_disputes_and_corrections")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]

"""Which box a picture of a case has now: as a person put it right, or as the vehicle sent it."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from server.cases import told
from server.cases.models import Picture
from server.review.models import Dispute, Verdict


def with_boxes(pictures: QuerySet[Picture], reader: Any = None) -> QuerySet[Picture]:
    """The same pictures, their `box_now` as the last deciding confirmation that stands put it right, of their case or of one merged into it.

    A `reader` is not told what others put right of a case that they may still be given, or that is in dispute.
    """
    case = OuterRef("sighting__case")
    return pictures.annotate(put_right=Coalesce(_box(reader, case=case), _box(reader, case__merged_into=case)))


def _box(reader: Any, **of: OuterRef) -> Subquery:
    rows = Verdict.objects.filter(
        **of, box_sha256=OuterRef("sha256"), answer="confirm", counted=True, undone_at=None, box__isnull=False
    )
    if told.is_blind(reader):
        again = told.looks_for(reader).filter(case=OuterRef(OuterRef("sighting__case")))
        in_dispute = Dispute.objects.filter(case=OuterRef("case"), settled_at=None)
        rows = rows.filter(~Exists(again), Q(person=reader) | ~Exists(in_dispute))
    return Subquery(rows.order_by("-at").values("box")[:1])

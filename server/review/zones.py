"""Places where a reviewer said that a thing is permitted: each is laid before a supervisor, since the city's zones may lack one there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from server.accounts.models import User
from server.accounts.services import cities_for
from server.audit.rules import Verb
from server.audit.services import record
from server.review.models import ZoneProposal


def open_proposals(person: User) -> QuerySet[ZoneProposal]:
    """What waits for an answer, oldest first; of answers that were taken back nothing does."""
    waiting = ZoneProposal.objects.filter(closed_at=None, verdict__undone_at=None, city__in=cities_for(person))
    return waiting.select_related("case__city", "verdict__person").order_by("made_at")


def answer_proposal(person: User, verdict_id: UUID, accepted: bool, now: datetime) -> bool:
    """A supervisor's answer. False if there was one already. Accepting draws no zone: those come with the city's zones file."""
    proposal = open_proposals(person).filter(verdict=verdict_id).first()
    with transaction.atomic():
        done = proposal and ZoneProposal.objects.filter(pk=proposal.pk, closed_at=None).update(closed_at=now, closed_by=person, accepted=accepted)  # fmt: skip
        if proposal and done:
            record(Verb.ZONE_ANSWERED, "case", proposal.case_id, city_id=proposal.city_id, actor_id=person.pk, accepted=accepted)  # fmt: skip
    return bool(done)

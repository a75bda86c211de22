"""Gold cards whose own case is decided otherwise afterwards: nobody is to be measured by an answer that is known to be wrong."""

from __future__ import annotations

from datetime import datetime

from server.audit.rules import Verb
from server.audit.services import record
from server.review import rows
from server.review.models import Gold

DECIDED_OTHERWISE = "decided_otherwise"


def retire_contradicted(case_id: int, answer: str, category: str, now: datetime) -> None:
    """Take a case's gold card out of use if what decided the case now is another answer, or another category. Call inside the transaction of that decision."""
    if not rows.is_gold(case_id):
        return
    for gold in Gold.objects.filter(case=case_id, retired_at=None):
        if (gold.answer, gold.category) == (answer, category if answer == "confirm" else ""):
            continue
        if Gold.objects.filter(id=gold.pk, retired_at=None).update(retired_at=now, retired_because=DECIDED_OTHERWISE):
            record(Verb.GOLD_RETIRED, "case", case_id, city_id=gold.city_id, why=DECIDED_OTHERWISE, answer=answer, category=category)  # fmt: skip

"""Joining a sighting to its case among all that are open: reading what is near, grouping it and writing the case. Taken back at the end.

Seven of ten sightings are of a case that is there, half of these of one that eight passes have seen; the others lie anywhere.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any
from uuid import UUID

from review_parts import said, share

from server.start import start

COUNT, WARM = 1000, 100
AT_A_CASE, OF_MANY = 0.7, 0.5


def spots(chance: random.Random) -> list[tuple[str, float, float]]:
    """Category and place of each sighting."""
    from server.cases.models import Case
    from server.cases.rules import CLOSED

    last = Case.objects.order_by("-id").values_list("id", flat=True)[0]
    found: list[tuple[str, float, float]] = []
    while len(found) < COUNT + WARM:
        number = chance.randrange(1, last // 20) * 20 - (chance.random() > OF_MANY)
        category, state, lat, lon = Case.objects.values_list("category", "state", "lat_deg", "lon_deg").get(id=number)
        if chance.random() > AT_A_CASE:
            lat, lon = lat + chance.uniform(-0.01, 0.01), lon + chance.uniform(-0.01, 0.01)
        elif state in CLOSED:
            continue
        found.append((category, lat + chance.gauss(0, 1) / 111_195, lon + chance.gauss(0, 1) / 87_800))
    return found


def main() -> None:
    start()
    from django.db import transaction
    from django.forms.models import model_to_dict
    from django.utils import timezone

    from server.cases.models import Case, Sighting
    from server.cases.services import join

    chance, took_ms, cpu_ms = random.Random(1), [], []
    where, now = spots(chance), timezone.now()
    some = Sighting.objects.order_by("id")[0]
    alike: dict[str, Any] = {name: value for name, value in model_to_dict(some).items() if name not in ("id", "city", "fleet", "vehicle", "case")}  # fmt: skip
    before = Case.objects.order_by("-id").values_list("id", flat=True)[0]
    with transaction.atomic():
        for number, (category, lat, lon) in enumerate(where):
            of_this = {"category": category, "lat_deg": lat, "lon_deg": lon, "seen_at": now, "pass_id": UUID(int=2**100 + number // 20),
                       "id": UUID(int=2**120 + number), "sequence": number, "vehicle_id": 1 + number % 100}  # fmt: skip
            row = Sighting.objects.create(**alike | of_this, city_id=some.city_id, fleet_id=some.fleet_id)
            began, cpu = time.perf_counter(), time.thread_time()
            join(row, now)
            took_ms.append(1000 * (time.perf_counter() - began))
            cpu_ms.append(1000 * (time.thread_time() - cpu))
        opened = Case.objects.filter(id__gt=before).count()
        transaction.set_rollback(True)
    took_ms = took_ms[WARM:]
    print(f"{len(where)} sightings, {opened} new cases: {said(took_ms)}; processor {sum(cpu_ms[WARM:]) / len(took_ms):.1f} ms a sighting")  # fmt: skip
    print(json.dumps({"join_p95_ms": round(share(took_ms, 0.95), 2)}))


if __name__ == "__main__":
    main()

"""The list of cases and the map through the whole web stack but the socket: a fair mix of their filters, pages of fifty and older ones, boxes from 60 km to 500 m, as reviewer and as city officer."""

from __future__ import annotations

import itertools
import json
import random
import re
import time
from collections.abc import Iterator
from datetime import timedelta

from review_parts import NotMeasured, said, share

from server.start import start

ROUNDS, PAGES_DEEP = 3, 3
SEARCHES = (
    "q=123456",
    "q=第77路",
    "q=第7",
    "q=第7小学",
    "q=140105024",
    "q=周五",
    "q=第3区 第77路",
    "q=37.87,112.55",
    "q=37.90,112.60&radius=2000",
    "district=第2区",
    "district=第2区&severity=critical",
    "vehicle=TY-042",
    "vehicle=TY-042&district=第1区",
    "severity=critical",
    "severity=low",
    "severity=high&since=DAY&until=DAY",
    "since=DAY&until=DAY",
    "since=MONTH",
    "until=MONTH",
    "since=MONTH&category=waste_pile",
    "q=nowhere",
    "q=dl",
    "order=deadline",
    "order=deadline&severity=critical",
    "order=deadline&vehicle=TY-042",
    "order=deadline&q=第77路",
    "order=deadline&since=DAY&until=DAY",
)
"""DAY and MONTH: ten days ago, and thirty."""

MIDDLE_DEG, WIDTHS_KM, BOXES = (37.87, 112.55), (60, 20, 8, 3, 1, 0.5), 8


def boxes(chance: random.Random) -> Iterator[str]:
    """Boxes of the city of some widths, each anywhere."""
    for wide_km in WIDTHS_KM * BOXES:
        lat, lon = (middle + chance.uniform(-0.1, 0.1) for middle in MIDDLE_DEG)
        east, north = wide_km / 2 / 87.8, wide_km * 0.6 / 2 / 111.2
        yield f"{lon - east:.5f},{lat - north:.5f},{lon + east:.5f},{lat + north:.5f}"


def map_addresses(categories: list[str], chance: random.Random) -> Iterator[str]:
    """What the map asks for while it is moved, and its page."""
    filters = ("", "state=all", "state=queued", "state=fixed", f"category={categories[0]}", f"category={categories[-1]}&state=all", "severity=high", "vehicle=TY-042")  # fmt: skip
    for number, box in enumerate(boxes(chance)):
        yield f"/cases.geojson?bbox={box}&{filters[number % len(filters)]}"
        yield from [f"/cases/map/?bbox={box}", f"/cases/roads.geojson?bbox={box}"] if number % 4 == 0 else []


def addresses(categories: list[str], states: list[str]) -> Iterator[str]:
    """Every search under some states; every state, every category, and every fourth pair of both; cases in shadow as well."""
    pairs = [*itertools.product(states, categories)][::4]
    yield from (f"/cases/?{query}&state={state}" for query in SEARCHES for state in ("", "all", *states[::3]))
    for state, category in [("", ""), *((state, "") for state in states), *(("", each) for each in categories), *pairs]:
        for shadow in ("", "&filter=shadow"):
            yield f"/cases/?state={state}&category={category}{shadow}"


def main() -> None:
    start()
    from django.test import Client
    from django.utils import timezone

    from server.accounts.models import User
    from server.cases.models import Case
    from server.cases.rules import State

    categories = list(Case.objects.order_by("category").values_list("category", flat=True).distinct())
    now = timezone.now()
    days = {"DAY": (now - timedelta(days=10)).date().isoformat(), "MONTH": (now - timedelta(days=30)).date().isoformat()}  # fmt: skip
    asked = [
        *addresses(categories, [each.value for each in State if each != State.MERGED]),
        *map_addresses(categories, random.Random(2)),
    ]
    random.Random(1).shuffle(asked)
    took_ms: dict[str, list[float]] = {}
    for role in (User.Role.REVIEWER, User.Role.CITY):
        client = Client()
        client.force_login(User.objects.filter(role=role)[0])
        client.get("/cases/")
        for address in asked:
            page = address.replace("DAY", days["DAY"]).replace("MONTH", days["MONTH"])
            for _ in range(PAGES_DEEP):
                began = time.perf_counter()
                answer = client.get(page)
                took_ms.setdefault(f"{role} {address}", []).append(1000 * (time.perf_counter() - began))
                if answer.status_code != 200:
                    raise NotMeasured(f"{page} answers {answer.status_code} to {role}")
                older = re.search(rb'href="(\?[^"]*(?:before|after)=\d+[^"]*)"', answer.content)
                if older is None:
                    break
                page = "/cases/" + older[1].decode().replace("&amp;", "&")
    everything = [each for times in took_ms.values() for each in times]
    print(f"{len(everything)} pages: {said(everything)}")
    for address in sorted(took_ms, key=lambda each: -max(took_ms[each]))[:3]:
        print(f"slowest: {address}: {max(took_ms[address]):.0f} ms")
    print(json.dumps({"list_p95_ms": round(share(everything, 0.95), 1)}))


if __name__ == "__main__":
    main()

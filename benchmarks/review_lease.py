"""Sixteen reviewers at one queue: how long a lease of the next cards takes while everybody decides a card a second, in one process of threads, as `trikeye server web` serves them.

Then how long the page's own request for its cards takes, as it draws them. Then ten seconds in which sixteen processes lease and decide without a pause: whether two ever hold one card is counted in both.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty
from typing import Any
from uuid import uuid4

from review_parts import NotMeasured, said, share

from server.start import start

REVIEWERS = 16
RUSH_S = 10.0
READY_S = 60.0


def paced(number: int, seconds: float, begin: Any) -> tuple[list[float], set[tuple[str, int]]]:
    """A reviewer who decides a card a second: ms of each lease, and what they held."""
    from django.utils import timezone

    from server.review.services import lease

    person, chance, took_ms, held = reviewer(number), random.Random(number), [], set()
    lease(person, timezone.now(), 0)
    begin.wait(READY_S)
    end = time.monotonic() + seconds
    time.sleep(chance.uniform(0, min(5.0, seconds)))
    while time.monotonic() < end:
        began = time.perf_counter()
        cards = lease(person, timezone.now())
        took_ms.append(1000 * (time.perf_counter() - began))
        held |= hands(person, cards)
        for case in cards:
            answer(person, case, chance)
            time.sleep(chance.uniform(0.5, 1.5))
    return took_ms, held


def rushed(number: int, begin: Any, found: Any) -> None:
    """A reviewer in a process of their own who never stops to think: puts their number and what they held."""
    from server.start import start

    start()
    from django.utils import timezone

    from server.review.services import lease

    person, chance, held = reviewer(number), random.Random(REVIEWERS + number), set()
    lease(person, timezone.now(), 0)
    begin.wait(READY_S)
    end = time.monotonic() + RUSH_S
    while time.monotonic() < end and (cards := lease(person, timezone.now())):
        held |= hands(person, cards)
        for case in cards:
            answer(person, case, chance)
    found.put((number, held))


def reviewer(number: int) -> Any:
    """One of the reviewers."""
    from server.accounts.models import User

    return User.objects.filter(role=User.Role.REVIEWER).order_by("id")[number]


def answer(person: Any, case: Any, chance: random.Random) -> None:
    """Two of three cards are confirmed."""
    from django.utils import timezone

    from server.review.services import decide

    kind = chance.choice(("confirm", "confirm", "reject"))
    decide(person, uuid4(), case.pk, kind, timezone.now(), reason=2 if kind == "reject" else None)


def hands(person: Any, cards: Sequence[Any]) -> set[tuple[str, int]]:
    """What a person was dealt: cards of the queue by their cases, second looks and gold cards by themselves, since these go to another person later."""
    from server.review.models import Look

    looks = dict(Look.objects.filter(person=person, done_at=None, case__in=[each.pk for each in cards]).values_list("case", "id"))  # fmt: skip
    return {("look", looks[each.pk]) if each.pk in looks else ("case", each.pk) for each in cards}


def drawn_ms() -> list[float]:
    """How long the page of each reviewer, alone, waits for the cards they hold, as HTML."""
    from django.test import Client

    took_ms = []
    for number in range(REVIEWERS):
        client = Client()
        client.force_login(reviewer(number))
        began = time.perf_counter()
        response = client.post("/review/lease")
        took_ms.append(1000 * (time.perf_counter() - began))
        if response.status_code != 200 or b"data-case" not in response.content:
            raise NotMeasured(f"the page's request for cards was answered with {response.status_code}")
    return took_ms


def rush() -> list[set[tuple[str, int]]]:
    """What each of the processes held, in the order of the reviewers."""
    context = multiprocessing.get_context("spawn")
    begin, found = context.Barrier(REVIEWERS), context.Queue()
    processes = [context.Process(target=rushed, args=(n, begin, found), daemon=True) for n in range(REVIEWERS)]
    for each in processes:
        each.start()
    try:
        by_number = dict(found.get(timeout=READY_S + 6 * RUSH_S) for _ in processes)
    except Empty:
        raise NotMeasured("a reviewer's process has ended early; its words are above") from None
    return [by_number[number] for number in range(REVIEWERS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of decisions at a card a second (default: %(default)s)")  # fmt: skip
    seconds = parser.parse_args().seconds
    start()
    begin = threading.Barrier(REVIEWERS)
    with ThreadPoolExecutor(REVIEWERS) as threads:
        results = list(threads.map(lambda number: paced(number, seconds, begin), range(REVIEWERS)))
    took_ms = [each for times, _ in results for each in times]
    print(f"drawn as the page asks for them: {said(drawn_ms())}")
    dealt = Counter(card for (_, held), later in zip(results, rush(), strict=True) for card in held | later)
    double = sum(times > 1 for times in dealt.values())
    print(f"{len(took_ms)} leases: {said(took_ms)}; {len(dealt)} cards dealt, {double} of them twice")
    print(json.dumps({"lease_p95_ms": round(share(took_ms, 0.95), 2), "double_leases": double}))


if __name__ == "__main__":
    main()

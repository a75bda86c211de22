"""Sixteen reviewers at one queue, each a process: how long a lease of the next cards takes while everybody decides a card a second, and whether two ever hold one.

Then ten seconds in which all of them lease and decide without a pause: only double leases are counted there.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Sequence
from queue import Empty
from typing import Any
from uuid import uuid4

from review_parts import NotMeasured, said, share

REVIEWERS = 16
RUSH_S = 10.0
READY_S = 60.0


def review(number: int, paced_s: float, begin: Any, found: Any) -> None:
    """One reviewer: lease, decide, lease again. Puts the ms of each paced lease, and the cases ever held."""
    from server.start import start

    start()
    from django.utils import timezone

    from server.accounts.models import User
    from server.review.services import decide, lease

    person = User.objects.filter(role=User.Role.REVIEWER).order_by("id")[number]
    chance, took_ms, held = random.Random(number), [], set()
    lease(person, timezone.now(), 0)
    begin.wait(READY_S)
    end_paced = time.monotonic() + paced_s
    time.sleep(chance.uniform(0, min(5.0, paced_s)))
    while (now_s := time.monotonic()) < end_paced + RUSH_S:
        began = time.perf_counter()
        cards = lease(person, timezone.now())
        if now_s < end_paced:
            took_ms.append(1000 * (time.perf_counter() - began))
        if not cards:
            break
        held |= hands(person, cards)
        for case in cards:
            answer = chance.choice(("confirm", "confirm", "reject"))
            decide(person, uuid4(), case.pk, answer, timezone.now(), reason=2 if answer == "reject" else None)
            if time.monotonic() < end_paced:
                time.sleep(chance.uniform(0.5, 1.5))
    found.put((took_ms, held))


def hands(person: Any, cards: Sequence[Any]) -> set[tuple[str, int]]:
    """What a person was dealt: cards of the queue by their cases, second looks and gold cards by themselves, since these go to another person later."""
    from server.review.models import Look

    looks = dict(Look.objects.filter(person=person, done_at=None, case__in=[each.pk for each in cards]).values_list("case", "id"))  # fmt: skip
    return {("look", looks[each.pk]) if each.pk in looks else ("case", each.pk) for each in cards}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of decisions at a card a second (default: %(default)s)")  # fmt: skip
    paced_s = parser.parse_args().seconds
    context = multiprocessing.get_context("spawn")
    begin, found = context.Barrier(REVIEWERS), context.Queue()
    processes = [context.Process(target=review, args=(n, paced_s, begin, found), daemon=True) for n in range(REVIEWERS)]
    for each in processes:
        each.start()
    try:
        results = [found.get(timeout=READY_S + paced_s + 6 * RUSH_S) for _ in processes]
    except Empty:
        raise NotMeasured("a reviewer's process has ended early; its words are above") from None
    took_ms = [each for times, _ in results for each in times]
    dealt = Counter(card for _, held in results for card in held)
    double = sum(times > 1 for times in dealt.values())
    print(f"{len(took_ms)} leases: {said(took_ms)}; {len(dealt)} cards dealt, {double} of them twice")
    print(json.dumps({"lease_p95_ms": round(share(took_ms, 0.95), 2), "double_leases": double}))


if __name__ == "__main__":
    main()

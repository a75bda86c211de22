"""The page for Prometheus: what every process has counted, added up, and how much waits, as the database has it just then."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from server.alive import PARTS, silent_s
from server.counters import COUNTED, REQUEST_S, REQUESTS

CAP = 10_000
"""How much waits is counted up to here: more is too much, whatever it is."""


class Timed:
    """Counts and times every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began_s = time.perf_counter()
        response = self.get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else "none"
        REQUEST_S.labels(view).observe(time.perf_counter() - began_s)
        REQUESTS.labels(view, f"{response.status_code // 100}xx").inc()
        return response


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures."""
    registry = CollectorRegistry()
    registry.register(Added() if "PROMETHEUS_MULTIPROC_DIR" in os.environ else COUNTED)
    registry.register(Waiting(timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Added:
    """The counters of all processes of this machine, those that have ended too."""

    def collect(self) -> Iterator[Metric]:
        files = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).parent.glob("*/*.db")
        yield from MultiProcessCollector.merge([str(each) for each in files], accumulate=True)  # type: ignore[no-untyped-call]


class Waiting:
    """How much waits, and for how long, as the database has it now; each figure along an index, none beyond CAP."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield _gauge("trikeye_build", "Which version runs", ["version"], {(version("trikeye"),): 1})
        yield _gauge(
            "trikeye_disk_free_bytes", "Free where the data lies", [], {(): shutil.disk_usage(settings.DATA).free}
        )
        silent = {(part,): silent_s(part) for part in PARTS}
        yield _gauge("trikeye_part_silent_seconds", "Since a process on this machine last said that it runs", ["part"], silent)  # fmt: skip
        yield from self._cases()
        yield from self._handovers()
        yield from self._vehicles()

    def _cases(self) -> Iterator[Metric]:
        from server.cases.models import Case, in_shadow
        from server.cases.rules import State
        from server.review.services import runs

        cards, oldest = {}, {}
        for state in (State.NEW, State.QUEUED, State.DISPUTED, State.CONFIRMED):
            for is_so in (False, True):
                rows = Case.objects.filter(in_shadow(is_so), state=state)
                labels = (str(state), "yes" if is_so else "no")
                cards[labels] = rows.order_by()[:CAP].count()
                since = rows.order_by("state_at").values_list("state_at", flat=True).first()
                oldest[labels] = (self.now - since).total_seconds() if since else 0.0
        yield _gauge("trikeye_cases", f"Cases that wait for a step, up to {CAP}, by state", ["state", "shadow"], cards)
        yield _gauge("trikeye_cases_oldest_seconds", "How long the oldest of them has been in its state", ["state", "shadow"], oldest)  # fmt: skip
        held = Case.objects.filter(runs(self.now)).count()
        yield _gauge("trikeye_cards_held", "Cards in reviewers' hands", [], {(): held})

    def _handovers(self) -> Iterator[Metric]:
        from server.city.models import Destination, Handover

        # In letters: SQLite uses a partial index for no parameter.
        waiting = Handover.objects.extra(where=["city_handover.state = 'waiting'"])
        found = waiting.aggregate(all=Count("id"), tried=Count("id", filter=Q(attempts__gt=0)), oldest=Min("made_at"))
        by_state = {("waiting",): found["all"], ("tried_in_vain",): found["tried"]}
        yield _gauge("trikeye_handovers", "Messages to cities that have not been received", ["state"], by_state)
        oldest = (self.now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
        yield _gauge("trikeye_handovers_oldest_seconds", "How long the oldest of them has waited", [], {(): oldest})
        off = Destination.objects.filter(enabled=False).count()
        yield _gauge("trikeye_destinations_off", "Cities that are switched off, since they are gone", [], {(): off})

    def _vehicles(self) -> Iterator[Metric]:
        from server.fleet.models import Vehicle

        rows = Vehicle.objects.filter(revoked_at=None)
        found = dict(rows.order_by().values_list("online").annotate(n=Count("id")))
        links = {("online",): found.get(True, 0), ("offline",): found.get(False, 0)}
        yield _gauge("trikeye_vehicles", "Vehicles", ["link"], links)
        newest = rows.exclude(last_sighting_at=None).order_by("-last_sighting_at").values_list("last_sighting_at", flat=True).first()  # fmt: skip
        yield _gauge("trikeye_sighting_newest_seconds", "Since the last sighting of any vehicle came", [], {(): (self.now - newest).total_seconds() if newest else None})  # fmt: skip


def _gauge(name: str, words: str, labels: list[str], values: Mapping[Any, float | None]) -> Metric:
    """A figure; one that is None is left out."""
    family = GaugeMetricFamily(name, words, labels=labels)
    for each, value in values.items():
        if value is not None:
            family.add_metric(each, value)
    return family

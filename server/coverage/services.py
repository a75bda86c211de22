"""The verbs of coverage: take what vehicles tell, answer when a place was last seen well, forget what is too old to matter."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache, reduce
from operator import or_

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max, Q

from models.contract import (
    MAX_COVERAGE_BYTES,
    AckItem,
    Coverage,
    RefusedMessage,
    decode,
    digest_of,
    identity_of,
    vehicle_of,
)
from server.coverage.models import Cell
from server.coverage.rules import COARSER, Quality, View, all_of, cells_about, is_told, ranges_of, view_of, with_coarser
from server.fleet.models import City, Vehicle
from server.intake.services import NOBODY
from server.log import warn

log = logging.getLogger("trikeye.intake")
UTC = timezone.utc  # noqa: UP017
AHEAD = timedelta(minutes=5)
"""A vehicle whose clock is further ahead claims to have seen what is not yet."""
KEPT = timedelta(days=400)
AT_MOST, TOGETHER = 25_000, 2_000
"""Rows of one view, with what lies around it; rows deleted at once."""
TRUSTED = {"camera": {"gnss", "ntp"}, "replay": {"gnss", "ntp", "file"}, "demo": {"gnss", "ntp", "file"}}


@dataclass(frozen=True)
class _Ready:
    coverage: Coverage
    digest: str
    city_id: int


def take_coverage(messages: Sequence[tuple[str, bytes]], now: datetime) -> list[AckItem | None]:
    """Store many (topic, body) in one transaction. None for each that there is no database for: it comes again. What is refused is logged and not kept."""
    try:
        ready = [_ready(topic, body, now) for topic, body in messages]
        with transaction.atomic():
            return [each if isinstance(each, AckItem) else _store(each) for each in ready]
    except (OperationalError, InterfaceError) as wrong:
        log.error("%d messages of coverage could not be stored (%s); they will come again", len(messages), wrong)
        return [None] * len(messages)
    except Exception as wrong:
        if len(messages) > 1:
            return [answer for each in messages for answer in take_coverage([each], now)]
        log.exception("a message of coverage is passed over")
        failed = RefusedMessage("internal_error", type(wrong).__name__)
        return [_refused(*messages[0], failed)]


def seen_well_since(
    city: City, lat_deg: float, lon_deg: float, since: datetime, *, error_m: float = 0.0, origin: str = "camera"
) -> datetime | None:
    """When a place was last seen well, if that was at or after `since`; else None.

    A place whose error reaches into several cells was seen when all of them were. A cell counts as seen when most of it was.
    """
    cells = cells_about(lat_deg, lon_deg, error_m)
    rows = Cell.objects.filter(city=city, origin=origin, cell__in=cells)
    seen = dict(rows.values_list("cell", Quality.WELL.column))
    at_s = min(seen.get(cell, 0) for cell in cells)
    return datetime.fromtimestamp(at_s, UTC) if at_s and at_s >= since.timestamp() else None


def cells_in(city: City, view: View, quality: Quality, origins: Sequence[str]) -> list[tuple[int, int]]:
    """(cell, seconds) of the cells in and around a view that were seen at a quality or better, AT_MOST of them."""
    wanted = reduce(or_, (Q(cell__range=each) for each in ranges_of(view)))
    rows = Cell.objects.filter(wanted, city=city, origin__in=origins, **{f"{quality.column}__gt": 0})
    newest = rows.values("cell").annotate(at_s=Max(quality.column))
    return list(newest.values_list("cell", "at_s")[:AT_MOST])


def whole_view(city: City, origins: Sequence[str]) -> View | None:
    """A view of all that was looked at in a city; None if nothing was."""
    for resolution in COARSER:
        rows = Cell.objects.filter(city=city, origin__in=origins, cell__range=all_of(resolution))
        cells = list(rows.values_list("cell", flat=True)[:AT_MOST])
        if len(cells) < AT_MOST:
            break
    return view_of(cells, resolution)


def forget_old(now: datetime) -> int:
    """Delete what nobody has looked at for KEPT, once a day: it takes a walk through all rows. Returns 0: nothing waits for it."""
    _forget_before((now - KEPT).date())
    return 0


@lru_cache(maxsize=1)
def _forget_before(day: date) -> None:
    old = Cell.objects.filter(seen_s__lt=datetime.combine(day, time.min, UTC).timestamp())
    while ids := list(old.values_list("id", flat=True)[:TOGETHER]):
        Cell.objects.filter(id__in=ids).delete()


def _ready(topic: str, body: bytes, now: datetime) -> _Ready | AckItem:
    """A message that was checked, or why it is refused."""
    try:
        return _checked(topic, body, now)
    except RefusedMessage as wrong:
        return _refused(topic, body, wrong)


def _refused(topic: str, body: bytes, wrong: RefusedMessage) -> AckItem:
    warn(log, "coverage_refused", topic=topic, reason=wrong.reason, text=str(wrong)[:200])
    known = identity_of(body) if len(body) <= MAX_COVERAGE_BYTES else None
    return AckItem(id=known or NOBODY, digest=digest_of(body), outcome="refused", reason=f"{wrong.reason}: {wrong}"[:200])  # fmt: skip


def _checked(topic: str, body: bytes, now: datetime) -> _Ready:
    if len(body) > MAX_COVERAGE_BYTES:
        raise RefusedMessage("too_large", f"coverage has {len(body)} bytes, the limit is {MAX_COVERAGE_BYTES}")
    name, _ = vehicle_of(topic)
    coverage = decode(Coverage, body)
    if coverage.vehicle != name:
        raise RefusedMessage("wrong_vehicle", f"the message of {coverage.vehicle} came from {name}")
    vehicle = Vehicle.objects.filter(name=name, revoked_at=None).first()
    if vehicle is None:
        raise RefusedMessage("unknown_vehicle", f"{name} was never added or is revoked")
    if coverage.clock_source not in TRUSTED[coverage.origin]:
        raise RefusedMessage("clock_untrusted", f"nobody knows when that was: the clock is {coverage.clock_source!r}")
    if coverage.to_utc > now + AHEAD:
        raise RefusedMessage("from_the_future", f"{coverage.to_utc:%Y-%m-%d %H:%M} UTC has not come yet")
    if coverage.from_utc < now - KEPT:
        raise RefusedMessage("too_old", f"{coverage.from_utc:%Y-%m-%d} was forgotten long ago")
    if strange := [look.cell for look in coverage.looks if not is_told(look.cell)]:
        raise RefusedMessage("unknown_cell", f"{strange[0]:x} is no H3 cell of resolution 12")
    return _Ready(coverage, digest_of(body), vehicle.city_id)


def _store(ready: _Ready) -> AckItem:
    """Make the rows that are missing, and each as new as this message. It counts as seen when its first look was: nothing was seen later than it is said."""
    coverage, at_s = ready.coverage, int(ready.coverage.from_utc.timestamp())
    cells = with_coarser((look.cell, look.quality) for look in coverage.looks)
    rows = Cell.objects.filter(city_id=ready.city_id, origin=coverage.origin)
    known = set(rows.filter(cell__in=cells).values_list("cell", flat=True))
    missing = sorted(cells.keys() - known)
    Cell.objects.bulk_create(
        [Cell(city_id=ready.city_id, origin=coverage.origin, cell=cell) for cell in missing], ignore_conflicts=True
    )
    for quality in Quality:
        seen = [cell for cell, told in cells.items() if told >= quality]
        rows.filter(cell__in=seen, **{f"{quality.column}__lt": at_s}).update(**{quality.column: at_s})
    return AckItem(id=coverage.id, digest=ready.digest, outcome="accepted")

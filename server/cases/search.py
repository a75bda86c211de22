"""Which cases a list shows, newest first. Each look is a walk along an index, or of bounded length, so that it costs the same among a hundred and among a million.

What an index has no order for is looked for as sets of case ids, newest first and LOOKED long at most, and what is in all of them is shown. Where a set was longer, the list is
whole down to the last id that was looked at, and goes on from there when asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from heapq import nlargest
from itertools import chain, islice, product
from math import hypot
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.timezone import make_aware

from calibration.geodesy import metres_per_degree, offset_m
from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.accounts.services import is_inside
from server.cases import came, told
from server.cases.due import LOOKED_DUE, Due, due_of_text, walked
from server.cases.filters import CAME, DEADLINE, Filter
from server.cases.models import Case, Note, Sighting, in_shadow
from server.cases.rules import State
from server.categories.models import CategoryStanding
from server.city.models import Destination, Handover
from server.city.rules import HandoverKind
from server.fleet.models import Vehicle
from server.places.models import CasePlace, Feature
from server.places.rules import Kind

LOOKED, LOOKED_BY_DAY, LOOKED_NEAR, NOTES_READ, CHECKED = 10_000, 30_000, 20_000, 10_000, 1_500
NAMES, DISTRICTS = 40, 500
AT_ONCE, DUE_AT_ONCE = 500, 200
PER_STATEMENT = 400  # SQLite joins 500 selects at most
COLUMNS = {Kind.ROAD: "road_zh", Kind.LANDMARK: "landmark_zh", Kind.DISTRICT: "district_zh", Kind.GRID: "grid"}


@dataclass(frozen=True)
class Found:
    """A page of cases. `older`: the row before which the next page begins, None at the end; `after` the same of an order by deadline, "" at the end; `is_cut`: it was not looked any further back yet; `is_too_much`: there are more that days or circle hold than are looked at."""

    cases: list[Case]
    older: int | None = None
    is_cut: bool = False
    is_too_much: bool = False
    after: str = ""


class Some(NamedTuple):
    """Case ids of one thing asked for. All that are not below `whole_to`, or all; `is_too_much`: some are missing, wherever."""

    ids: set[int]
    whole_to: int | None = None
    is_too_much: bool = False


def search(cases: QuerySet[Case], city_ids: Sequence[int], wanted: Filter, count: int, *, notes: bool = False, checked: int | None = None, reader: Any = None) -> Found:  # fmt: skip
    """A page of the newest `count` of `cases`, all that a person may see of these cities. `notes`: they may read notes, and find words in them. `checked`: of so many rows, rather than CHECKED, states and rights are read at most.

    `reader`: for whom. A reviewer finds and gets cases as they are told (told.py), a city what came to it.
    """
    wanted = replace(wanted, under_review=reader is not None and not is_inside(reader))
    if wanted.number is not None:
        found = list(cases.filter(number=wanted.number, city_id__in=city_ids).values_list("id", flat=True))
        return Found(_whole(found, reader))
    if wanted.categories == frozenset():
        return Found([])
    if wanted.order == DEADLINE or (wanted.order == CAME and wanted.under_review):
        return _in_order(cases, city_ids, wanted, count, notes, CHECKED if checked is None else checked, reader)
    if (as_kind := wanted.understood) is not None:
        of_kind, by_words = (_search(cases, city_ids, each, count, notes, checked, reader) for each in (as_kind, wanted))  # fmt: skip
        return _together(of_kind, by_words, count)
    return _search(cases, city_ids, wanted, count, notes, checked, reader)


def _in_order(cases: QuerySet[Case], city_ids: Sequence[int], wanted: Filter, count: int, notes: bool, checked: int, reader: Any) -> Found:  # fmt: skip
    """A page of what cities have, the nearest deadline first, or of what came to them, the latest first, by either reading of what was written. Of at least `checked` rows states and rights are read before it ends without being full.

    By deadline it shows the states of AT_CITY alone (Filter.states): to a reviewer a case that may be new to them is in none of these.
    """
    whole, has_days = replace(wanted, before=None), wanted.since is not None or wanted.until is not None
    readings = [each for each in (whole.understood, whole) if each is not None and each.categories != frozenset()]
    told_for = reader
    if wanted.under_review and not has_days:
        told_for = None  # what never came to a city has no deadline, and did not come
    elif not wanted.under_review:
        readings = [replace(each, since=None, until=None) for each in readings]  # _kept looks at these
    by_sets = [(each, [*_sets(city_ids, each, notes, told_for)]) for each in readings]
    too_much = any(some.is_too_much or some.whole_to is not None for _, sets in by_sets for some in sets)
    after = due_of_text(wanted.after)
    rows = came.walked(city_ids, after) if wanted.order == CAME else walked(city_ids, wanted.shadow, after)
    kept, looked, read = list[Due](), 0, 0
    while part := [*islice(rows, DUE_AT_ONCE)]:
        found: set[int] = set()
        for each, sets in by_sets:
            kinds = each.categories
            ids = [row.id for row in part if (kinds is None or row.category in kinds) and all(row.id in some.ids for some in sets)]  # fmt: skip
            found.update(_kept(cases, city_ids, replace(each, since=wanted.since, until=wanted.until), ids, reader))
            read += len(ids)
        kept += [row for row in part if row.id in found]
        looked += len(part)
        if len(kept) > count:
            return Found(_due(kept[:count], reader), is_too_much=too_much, after=kept[count - 1].text)
        if read >= checked or looked >= LOOKED_DUE:
            return Found(_due(kept, reader), is_cut=True, is_too_much=too_much, after=part[-1].text)
    return Found(_due(kept, reader), is_too_much=too_much)


def _due(rows: Sequence[Due], reader: Any) -> list[Case]:
    places = came.in_order(rows)
    return sorted(_whole([*places], reader), key=lambda case: places[case.pk])


def _together(one: Found, other: Found, count: int) -> Found:
    """The newest `count` of two pages, down to where both were looked through."""
    whole_to = max((each.older for each in (one, other) if each.older is not None), default=None)
    by_id = {case.pk: case for case in (*one.cases, *other.cases) if case.pk >= (whole_to or 0)}
    cases = [by_id[case_id] for case_id in sorted(by_id, reverse=True)]
    too_much = one.is_too_much or other.is_too_much
    if len(cases) > count:
        return Found(cases[:count], cases[count - 1].pk, False, too_much)
    is_cut = any(each.is_cut and each.older == whole_to for each in (one, other))
    return Found(cases, whole_to, is_cut, too_much)


def _search(cases: QuerySet[Case], city_ids: Sequence[int], wanted: Filter, count: int, notes: bool, checked: int | None, reader: Any) -> Found:  # fmt: skip
    """A page by one reading of what was written."""
    if wanted.categories == frozenset():
        return Found([])
    sets = [*_sets(city_ids, wanted, notes, reader)]
    if not sets:
        ids = _walked(cases, city_ids, wanted, count + 1, reader)
        return Found(_whole(ids[:count], reader), older=ids[count - 1] if len(ids) > count else None)
    whole_to = max((each.whole_to for each in sets if each.whole_to is not None), default=None)
    shared = set.intersection(*(each.ids for each in sets))
    ids = sorted((each for each in shared if each >= (whole_to or 0) and (wanted.before is None or each < wanted.before)), reverse=True)  # fmt: skip
    checked = CHECKED if checked is None else checked
    kept = list(islice(_kept(cases, city_ids, wanted, ids[:checked], reader), count + 1))
    too_much = any(each.is_too_much for each in sets)
    if len(kept) > count:
        return Found(_whole(kept[:count], reader), kept[count - 1], False, too_much)
    if len(ids) > checked:
        return Found(_whole(kept, reader), ids[checked - 1], True, too_much)
    return Found(_whole(kept, reader), whole_to, whole_to is not None, too_much)


def districts_of(city_ids: Sequence[int]) -> list[tuple[str, str]]:
    """The districts that places of these cities may lie in: the name that is kept, and the English one."""
    rows = Feature.objects.filter(city_id__in=city_ids, kind=Kind.DISTRICT).order_by("name_zh")
    return list(dict.fromkeys(rows.values_list("name_zh", "name_en")[:DISTRICTS]))


def _whole(ids: Collection[int], reader: Any) -> list[Case]:
    cases = list(Case.objects.filter(id__in=ids).select_related("city", "place").order_by("-id"))
    told.put(cases, reader)
    return cases


def _walked(cases: QuerySet[Case], city_ids: Collection[int], wanted: Filter, count: int, reader: Any) -> list[int]:
    """The newest ids by state and category alone: one look a city, state and category, since an index has no order over several."""
    cases = cases.filter(in_shadow(wanted.shadow))
    if wanted.before is not None:
        cases = cases.filter(id__lt=wanted.before)
    found: set[int] = set()
    for states, some in told.by_state(cases, wanted.states, reader):
        found.update(_of_states(some, city_ids, states, wanted.categories, count))
    if told.is_blind(reader) and State.QUEUED in wanted.states:
        looks = told.new_to(reader, city_ids, wanted.shadow, wanted.categories)
        looks = looks if wanted.before is None else looks.filter(case__lt=wanted.before)
        found.update(looks.order_by("-case_id").values_list("case_id", flat=True).distinct()[:count])
    return nlargest(count, found)


def _of_states(cases: QuerySet[Case], city_ids: Iterable[int], states: Iterable[State], categories: Collection[str] | None, count: int) -> set[int]:  # fmt: skip
    """The newest `count` ids of each city, state and category; a few hundred looks a statement."""
    # One look is built, by names that no city, state or category has; the others are the same with their own.
    city, state, category = -1, "?state", "?category"
    one = cases.filter(city_id=city, state=state)
    if categories is not None:
        one = one.filter(category=category)
    try:
        sql, values = one.order_by("-id").values_list("id", flat=True)[:count].query.sql_with_params()
    except EmptyResultSet:  # of none there is no SQL
        return set()
    looks: list[list[Any]] = []
    for city_id, each, kind in product(city_ids, states, sorted(categories or [""])):
        own: dict[Any, Any] = {city: city_id, state: each, category: kind}
        looks.append([own.get(value, value) for value in values])
    found: set[int] = set()
    for first in range(0, len(looks), PER_STATEMENT):
        part = looks[first : first + PER_STATEMENT]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([f"SELECT * FROM ({sql}) AS look"] * len(part)), [v for look in part for v in look])  # fmt: skip
            found.update(row[0] for row in cursor.fetchall())
    return found


def _kept(cases: QuerySet[Case], city_ids: Collection[int], wanted: Filter, ids: Sequence[int], reader: Any) -> Iterator[int]:  # fmt: skip
    """Those of `ids`, in their order, that are of `cases` and that states, categories, days and shadow let through."""
    days = (None, None) if wanted.under_review else (wanted.since, wanted.until)  # an officer's: see _came_on
    states, (begin, end) = {*wanted.states}, _instants(*days)
    for first in range(0, len(ids), AT_ONCE):
        part = ids[first : first + AT_ONCE]
        # By id alone: with a condition more, SQLite takes another index and reads all of a state.
        rows = list(Case.objects.filter(id__in=part).values_list("city_id", "state", "category", "shadow", "last_seen_at", "id"))  # fmt: skip
        masks = told.masks({case_id: state for _, state, _, _, _, case_id in rows}, reader)
        fit: dict[tuple[int, str, bool], list[int]] = {}
        for city_id, state, category, shadow, seen_at, case_id in rows:
            mask = masks.get(case_id)
            as_told = mask.over(category, shadow) if mask else (state, category, shadow)
            if as_told[2] is wanted.shadow and as_told[0] in states and city_id in city_ids and begin <= seen_at <= end and (wanted.categories is None or as_told[1] in wanted.categories):  # fmt: skip
                fit.setdefault((city_id, state, shadow), []).append(case_id)
        seen: set[int] = set()
        for (city_id, state, shadow), some in fit.items():
            of_state = cases.filter(in_shadow(shadow), city_id=city_id, state=state, id__in=some)
            seen.update(of_state.values_list("id", flat=True))
        yield from (each for each in part if each in seen)


def _sets(city_ids: Sequence[int], wanted: Filter, notes: bool, reader: Any) -> Iterator[Some]:
    if reader is not None and not is_inside(reader):
        days = wanted.since is not None or wanted.until is not None
        yield _came_on(city_ids, wanted) if days else _handed_over(city_ids, wanted.before)
    if wanted.near:
        yield _near(city_ids, wanted, wanted.near, told.is_blind(reader))
    for word in wanted.words:
        yield _of_word(city_ids, word, wanted.before, _notes_for(reader) if notes else None)
    if wanted.district:
        yield _named([("district_zh", wanted.district)], wanted.before)
    if wanted.vehicle:
        yield _seen_by(wanted.vehicle, wanted.before)
    if (
        (wanted.since or wanted.until)
        and not wanted.under_review
        and not (wanted.near or wanted.words or wanted.district or wanted.vehicle)
    ):
        yield _of_days(city_ids, wanted, told.is_blind(reader))


def _handed_over(city_ids: Sequence[int], before: int | None) -> Some:
    """What came to the cities: to look at each case whether it did would go through all that never will."""
    walks = []
    for destination in Destination.objects.filter(city__in=city_ids).values_list("id", flat=True):
        rows = Handover.objects.filter(destination=destination, kind=HandoverKind.CONFIRMED, receipted_at__isnull=False)
        rows = rows if before is None else rows.filter(case_id__lt=before)
        walks.append(list(rows.order_by("-case_id").values_list("case_id", flat=True)[:LOOKED]))
    return _some(walks, LOOKED)


def _came_on(city_ids: Sequence[int], wanted: Filter) -> Some:
    """What came to the cities on these days, along the index of receipts."""
    found, too_much = set[int](), False
    for rows in came.received(city_ids):
        part = list(rows.filter(receipted_at__range=_instants(wanted.since, wanted.until)).values_list("case_id", flat=True)[: LOOKED_BY_DAY + 1])  # fmt: skip
        found.update(part[:LOOKED_BY_DAY])
        too_much |= len(part) > LOOKED_BY_DAY
    return Some(found, is_too_much=too_much)


def _near(city_ids: Sequence[int], wanted: Filter, near: tuple[float, float], blind: bool) -> Some:
    """Within a circle: along the index by category and latitude; all there is to who is blind, since what is told differs."""
    lat, lon = (wanted.radius_m / each for each in metres_per_degree(near[0]))
    at_lat, at_lon = near
    rows = Case.objects.filter(
        Q() if blind else in_shadow(wanted.shadow), city_id__in=city_ids, category__in=(not blind and wanted.categories) or _all_categories(city_ids),
        lat_deg__range=(at_lat - lat, at_lat + lat), lon_deg__range=(at_lon - lon, at_lon + lon),
    ).values_list("id", "lat_deg", "lon_deg")[: LOOKED_NEAR + 1]  # fmt: skip
    found = list(rows)
    ids = {row[0] for row in found[:LOOKED_NEAR] if hypot(*offset_m(at_lat, at_lon, *row[1:])) <= wanted.radius_m}
    return Some(ids, is_too_much=len(found) > LOOKED_NEAR)


def _all_categories(city_ids: Sequence[int]) -> set[str]:
    """All there are, and those retired that a city had."""
    return {*CATEGORIES, *CategoryStanding.objects.filter(city_id__in=city_ids).values_list("category", flat=True)}


def _of_word(city_ids: Sequence[int], word: str, before: int | None, notes: QuerySet[Note] | None) -> Some:
    """At a place of which something is called so, or with a note that says so."""
    features = Feature.objects.filter(city_id__in=city_ids)
    called = features.exclude(kind=Kind.GRID).filter(Q(name_zh__icontains=word) | Q(name_en__icontains=word))
    names = [
        *called.values_list("kind", "name_zh").distinct()[: NAMES + 1],
        *features.filter(kind=Kind.GRID, code__startswith=word).values_list("kind", "code").distinct()[: NAMES + 1],
    ]
    found = _named([(COLUMNS[Kind(kind)], name) for kind, name in names[:NAMES]], before)
    if notes is not None:
        newest_id = Note.objects.order_by("-id").values_list("id", flat=True).first() or 0
        said = notes.filter(id__gt=newest_id - NOTES_READ, words__icontains=word, struck_at=None)
        found.ids.update(said.values_list("case_id", flat=True))
    return found._replace(is_too_much=len(names) > NAMES)


def _notes_for(reader: Any) -> QuerySet[Note]:
    """The notes whose words find a case: a reviewer's own alone, since those of others say that somebody has answered."""
    if not told.is_blind(reader):
        return Note.objects.all()
    return Note.objects.filter(person=reader) if isinstance(reader, User) else Note.objects.none()


def _named(names: Sequence[tuple[str, str]], before: int | None) -> Some:
    """At places with one of these names, each in its column."""
    count = max(LOOKED // max(len(names), 1), AT_ONCE)
    walks = []
    for column, name in names:
        rows = CasePlace.objects.filter(**{column: name})
        rows = rows if before is None else rows.filter(case_id__lt=before)
        walks.append(list(rows.order_by("-case_id").values_list("case_id", flat=True)[:count]))
    return _some(walks, count)


def _seen_by(vehicle: str, before: int | None) -> Some:
    """Of which a vehicle sent a sighting."""
    known = Vehicle.objects.filter(name=vehicle).first()
    if known is None:
        return Some(set())
    rows = Sighting.objects.filter(vehicle=known, case__isnull=False)
    rows = rows if before is None else rows.filter(case_id__lt=before)
    return _some([list(rows.order_by("-case_id").values_list("case_id", flat=True)[:LOOKED])], LOOKED)


def _some(walks: Sequence[Sequence[int]], count: int) -> Some:
    """What walks of `count` at most found, each newest first."""
    ends = [walk[-1] for walk in walks if len(walk) == count]
    return Some({each for walk in walks for each in walk}, max(ends, default=None))


def _of_days(city_ids: Sequence[int], wanted: Filter, blind: bool) -> Some:
    """Last seen on these days: along an index that has state and category too, so that only what fits is carried away; all there is to who is blind."""
    found, too_much = set[int](), False
    for city_id, shadow in product(city_ids, (False, True) if blind else (wanted.shadow,)):
        rows = Case.objects.filter(in_shadow(shadow), city_id=city_id, last_seen_at__range=_instants(wanted.since, wanted.until)).order_by("-last_seen_at")  # fmt: skip
        sql, values = rows.values_list("id", "state", "category")[:LOOKED_BY_DAY].query.sql_with_params()
        fit: dict[str, list[str]] = {"state": [*State] if blind else [*wanted.states]}
        if wanted.categories is not None and not blind:
            fit["category"] = [*wanted.categories]
        where = " AND ".join(f"{column} IN ({', '.join(['%s'] * len(allowed))})" for column, allowed in fit.items())
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM ({sql}) AS looked WHERE {where}", [*values, *chain(*fit.values())])
            found.update(row[0] for row in cursor.fetchall())
        too_much |= rows.values("id")[LOOKED_BY_DAY : LOOKED_BY_DAY + 1].exists()
    return Some(found, is_too_much=too_much)


def _instants(since: date | None, until: date | None) -> tuple[datetime, datetime]:
    """The first and last instant of days, by the clock of the office."""
    begin = datetime.combine(since or date(2000, 1, 1), time.min)
    end = datetime.combine((until or date(9998, 12, 30)) + timedelta(days=1), time.min) - timedelta(microseconds=1)
    return make_aware(begin), make_aware(end)

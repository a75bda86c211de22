"""Which cards a person may be given, as SQL kept ready: each lease asks, and built by the ORM anew the statements took most of its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from server.accounts.models import User
from server.cases.models import Case
from server.cases.rules import State
from server.review.rules import ASKED_AGAIN, LEASE, UNDECIDED

UNLOOKED = (State.NEW, State.SET_ASIDE, State.QUEUED, State.DISPUTED, State.MERGED)
"""Nobody's answer holds in these, so there is none to be looked at again."""

# `|| ''` keeps SQLite from reading all that is queued by the index on states, to find twenty that are known by id: 27 ms under the lock among a million, instead of 0.05.
# The plus keeps SQLite from looking a city up in an index that has no order by priority, and sorting all its queue.
_OPEN = """c.state = %s AND c.shadow = %s AND (%s OR +c.city_id = %s){also} AND NOT EXISTS (
SELECT 1 FROM review_verdict v WHERE v.case_id = c.id AND v.person_id = %s AND v.undone_at IS NULL
AND v.at >= CASE WHEN v.answer = 'skip' THEN %s ELSE %s END AND (c.state = 'disputed' OR v.at >= c.state_at))"""
_FREE = "(c.lease_until IS NULL OR c.lease_until NOT BETWEEN %s AND %s OR c.lease_by_id = %s)"
_FIRST = f"SELECT c.id, c.priority FROM cases_case c WHERE {_OPEN} AND c.priority >= %s AND {_FREE} ORDER BY c.priority DESC, c.id LIMIT %s"
# Of cases known by their ids; as with _TAKE, they are to be looked up by these.
_AMONG = _FIRST.replace("c.state = %s", "c.state || '' = %s", 1).replace(
    "c.priority >=", "c.id IN ({ids}) AND c.priority >="
)
_COUNT = f"SELECT COUNT(*) FROM (SELECT 1 FROM cases_case c WHERE {_OPEN} LIMIT %s) found"
_CATEGORIES = f"SELECT c.category FROM cases_case c WHERE {_OPEN} LIMIT %s"
_IS_OPEN = f"SELECT 1 FROM cases_case c WHERE {_OPEN} AND c.id = %s"
_TAKE = f"""UPDATE cases_case SET lease_by_id = %s, lease_until = %s WHERE id IN (
SELECT c.id FROM cases_case c WHERE c.id IN ({{ids}}) AND c.state || '' IN ('{State.QUEUED}', '{State.DISPUTED}') AND {_FREE}
ORDER BY c.priority DESC, c.id LIMIT %s) RETURNING id"""
# In dispute between two answers, a card is for a supervisor's page alone.
_UNDISPUTED = " AND NOT EXISTS (SELECT 1 FROM review_dispute d WHERE d.case_id = c.id AND d.settled_at IS NULL)"
# A second look is never for who was first, so those are walked past on either side, along the index.
_LOOKS = f"""SELECT l.id, l.case_id, c.priority FROM review_look l JOIN cases_case c ON c.id = l.case_id
WHERE l.kind = 'second' AND l.done_at IS NULL AND l.first_person_id {{side}} %s AND (%s OR l.city_id = %s) AND l.shadow = %s
AND c.state NOT IN ({", ".join(f"'{state}'" for state in UNLOOKED)}) AND NOT EXISTS (
SELECT 1 FROM review_verdict v WHERE v.case_id = l.case_id AND v.person_id = %s AND v.undone_at IS NULL AND v.at >= CASE WHEN v.answer = 'skip' THEN %s ELSE %s END)
AND (%s OR l.lease_until IS NULL OR l.lease_until NOT BETWEEN %s AND %s OR l.person_id = %s) ORDER BY l.first_person_id, l.id LIMIT %s"""
_BOTH_SIDES = (
    f"SELECT * FROM ({_LOOKS.format(side='<')}) before UNION ALL SELECT * FROM ({_LOOKS.format(side='>')}) after"
)
_TAKE_LOOKS = """UPDATE review_look SET person_id = %s, lease_until = %s WHERE id IN ({ids}) AND done_at IS NULL
AND (lease_until IS NULL OR lease_until NOT BETWEEN %s AND %s OR person_id = %s) RETURNING id"""
_HELD_LOOKS = f"""SELECT l.id FROM review_look l JOIN cases_case c ON c.id = l.case_id WHERE l.person_id = %s AND l.done_at IS NULL AND l.shadow = %s
AND c.state NOT IN ({", ".join(f"'{state}'" for state in UNLOOKED)}) ORDER BY l.id"""
_ANY_GOLD = "SELECT 1 FROM review_gold WHERE retired_at IS NULL AND (%s OR city_id = %s) LIMIT 1"
_GOLD_OF = "SELECT 1 FROM review_gold WHERE case_id = %s AND retired_at IS NULL LIMIT 1"
_DECIDED = """INSERT INTO review_looksofday (city_id, day, decided, asked, skipped) VALUES (%s, %s, 1, 0, 0)
ON CONFLICT (city_id, day) DO UPDATE SET decided = review_looksofday.decided + 1 RETURNING decided, asked"""
_COLUMNS = tuple(field.attname for field in Case._meta.concrete_fields)
_CASES = f"SELECT {', '.join(_COLUMNS)} FROM cases_case WHERE id IN ({{ids}})"
_FREE_CASE = f"SELECT {', '.join(f'c.{name}' for name in _COLUMNS)} FROM cases_case c WHERE c.id = %s AND c.state || '' IN ('{State.QUEUED}', '{State.DISPUTED}') AND {_FREE}"
_DEALT = "SELECT l.case_id, l.shadow, v.proposed FROM review_look l LEFT JOIN review_verdict v ON v.id = l.about_id WHERE l.id IN ({ids})"
_EVER, _ANY = datetime(2000, 1, 1, tzinfo=UTC), -1e300


def best(person: User, now: datetime, shadow: bool, count: int, among: Sequence[int] | None = None) -> list[int]:
    """Ids of the undecided cards that are most worth a person's time, and in nobody else's hands; of all, or `among` these ids.

    One state at a time: each has an index, both together would be scanned and sorted whole. Where the first has enough, the next is walked only as far as it has better ones.
    """
    found: list[tuple[int, float]] = []
    for state in UNDECIDED:
        at_least = found[-1][1] if found and len(found) == count else _ANY
        found += first(person, now, state, shadow, count, at_least, among)
    return [case_id for case_id, _ in sorted(found, key=lambda row: (-row[1], row[0]))[:count]]


def first(
    person: User, now: datetime, state: State, shadow: bool, count: int, at_least: float = _ANY, among: Sequence[int] | None = None
) -> list[tuple[int, float]]:  # fmt: skip
    """Id and priority of the first cards of one state: those that are worth `at_least` so much."""
    asked, free = _open(person, now, state, shadow), _free(person, now)
    if among is None:
        return _asked(_FIRST.format(also=_also(state)), *asked, at_least, *free, count)
    sql = _AMONG.format(also=_also(state), ids=", ".join(["%s"] * len(among)) or "NULL")
    return _asked(sql, *asked, *among, at_least, *free, count)


def count_open(person: User, now: datetime, state: State, shadow: bool, at_most: int) -> int:
    """How many cards of a state a person may be given, whoever holds them."""
    return int(_asked(_COUNT.format(also=_also(state)), *_open(person, now, state, shadow), at_most)[0][0])


def open_categories(person: User, now: datetime, state: State, shadow: bool, at_most: int) -> list[str]:
    """The category of each of those."""
    return [row[0] for row in _asked(_CATEGORIES.format(also=_also(state)), *_open(person, now, state, shadow), at_most)]  # fmt: skip


def is_open(person: User, now: datetime, state: State, shadow: bool, case_id: int) -> bool:
    """Whether a card of this state may be given to a person."""
    return bool(_asked(_IS_OPEN.format(also=_also(state)), *_open(person, now, state, shadow), case_id))


def take(person: User, now: datetime, ids: Sequence[int], count: int) -> list[int]:
    """Lease the first `count` of these that nobody has taken meanwhile; their ids. One statement, so that no card goes to two."""
    if not ids:
        return []
    sql = _TAKE.format(ids=", ".join(["%s"] * len(ids)))
    return [row[0] for row in _asked(sql, person.pk, _stored(now + LEASE), *ids, *_free(person, now), count)]


def second_looks(
    person: User, now: datetime, shadow: bool, at_most: int, *, held_too: bool = False
) -> list[tuple[int, int, float]]:
    """Id, case and priority of second looks that are this person's to take: of cases decided by others, that they have not answered themselves. `held_too`: whoever holds them."""
    side = (person.pk, person.city_id is None, person.city_id, shadow, person.pk, _stored(now - LEASE), _stored(_EVER), held_too, *_free(person, now), at_most)  # fmt: skip
    return [tuple(row) for row in _asked(_BOTH_SIDES, *side, *side)]


def held_looks(person: User, shadow: bool) -> list[int]:
    """The looks that a person holds and that are still to be answered."""
    return [row[0] for row in _asked(_HELD_LOOKS, person.pk, shadow)]


def dealt_looks(ids: Sequence[int]) -> list[tuple[int, bool, str | None]]:
    """Of looks: the case, whether its card was in shadow, and what the answer that is looked at again had it proposed as; None for a gold card."""
    if not ids:
        return []
    found = _asked(_DEALT.format(ids=", ".join(["%s"] * len(ids))), *ids)
    return [(case_id, bool(shadow), proposed) for case_id, shadow, proposed in found]


def count_decided(city_id: int, day: date) -> tuple[int, int]:
    """Count one more decision of a city's day; how many there are now, and how many second looks were asked for."""
    decided, asked = _asked(_DECIDED, city_id, connection.ops.adapt_datefield_value(day))[0]
    return decided, asked


def any_gold(person: User) -> bool:
    """Whether there is a gold card where this person reviews."""
    return bool(_asked(_ANY_GOLD, person.city_id is None, person.city_id))


def is_gold(case_id: int) -> bool:
    """Whether a gold card of this case is in use."""
    return bool(_asked(_GOLD_OF, case_id))


def cases(ids: Sequence[int]) -> list[Case]:
    """Cases by id, as the ORM reads them."""
    if not ids:
        return []
    return [_case(row) for row in _asked(_CASES.format(ids=", ".join(["%s"] * len(ids))), *ids)]


def free_case(person: User, now: datetime, case_id: int) -> Case | None:
    """A case that is undecided and in nobody else's hands."""
    found = _asked(_FREE_CASE, case_id, *_free(person, now))
    return _case(found[0]) if found else None


def _case(row: Sequence[Any]) -> Case:
    return Case.from_db(connection.alias, _COLUMNS, [_utc(each) for each in row])


def _utc(value: Any) -> Any:
    """SQLite gives times without a zone."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def take_looks(person: User, now: datetime, ids: Sequence[int]) -> list[int]:
    """Lease those of these looks that nobody has taken meanwhile; their ids."""
    if not ids:
        return []
    sql = _TAKE_LOOKS.format(ids=", ".join(["%s"] * len(ids)))
    return [row[0] for row in _asked(sql, person.pk, _stored(now + LEASE), *ids, *_free(person, now))]


def _also(state: State) -> str:
    return _UNDISPUTED if state == State.DISPUTED else ""


def _open(person: User, now: datetime, state: State, shadow: bool) -> tuple[Any, ...]:
    """No queued card answered since it was queued, no disputed one answered ever; a skip counts for LEASE, and a supervisor, who has the last word, is asked again each ASKED_AGAIN."""
    answered_since = now - ASKED_AGAIN if (state, person.role) == (State.DISPUTED, User.Role.SUPERVISOR) else _EVER
    return (state, shadow, person.city_id is None, person.city_id, person.pk, _stored(now - LEASE), _stored(answered_since))  # fmt: skip


def _free(person: User, now: datetime) -> tuple[Any, ...]:
    """Not leased at present, by the same rule as `services.runs`."""
    return (_stored(now), _stored(now + 2 * LEASE), person.pk)


def _stored(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _asked(sql: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())

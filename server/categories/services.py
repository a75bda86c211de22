"""The verbs of categories: how each stands in a city, what reviewers have shown of it, and putting it elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.expressions import RawSQL

from models.packs import load_pack
from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, in_shadow
from server.cases.rules import AT_CITY, UNSETTLED, State
from server.categories.models import CategoryStanding
from server.categories.rules import LEAST_PRECISION, LEAST_VERDICTS, Proof, Standing
from server.city.models import Handover
from server.city.rules import HandoverKind, HandoverState
from server.city.services import hold_back
from server.fleet.models import City
from server.review.models import Verdict
from server.review.rules import DETECTOR_REASONS

STREET = "street"
LAST = 500
"""So many answers say how good a category is: older ones were given to an older network."""
AFFECTED, LONGEST_WHY = 1000, 300


class NotAllowed(Exception):
    """A category that this person may not put there; the text says why, with the figures."""


@dataclass(frozen=True)
class Row:
    """One category of a city. `source`: whose word put it there: "person", "pack", "sandbox", or "" (nobody's: in shadow). `before`: where a supervisor may put it back."""

    category: str
    standing: Standing
    source: str
    pack: str
    person: str
    since: datetime | None
    cards: int
    proof: Proof
    before: Standing | None = None


@lru_cache(maxsize=4)
def measured(pack: str) -> tuple[str, dict[str, Standing]]:
    """A pack's full name, and how it starts each category it sees: live if it was measured well enough. Raises PackError."""
    found = load_pack(pack)
    live = set(found.card.get("live", []))
    seen = sorted({label.category for label in found.labels if label.role == "problem" and label.category})
    return found.name, {category: Standing.LIVE if category in live else Standing.SHADOW for category in seen}


def begin(city: City, now: datetime, pack: str = STREET) -> None:
    """Give a city without any standing the pack's; a city with cases from before has all its categories in shadow that the pack does not name."""
    name, starts = measured(pack)
    with _changing(city):
        if CategoryStanding.objects.filter(city=city).exists():
            return
        of_cases = set(Case.objects.filter(city=city).values_list("category", flat=True).distinct())
        begun = {category: starts.get(category, Standing.SHADOW) for category in sorted({*starts, *of_cases})}
        CategoryStanding.objects.bulk_create(
            CategoryStanding(city=city, category=category, standing=standing, since=now, pack=name)
            for category, standing in begun.items()
        )
        for category, standing in begun.items():
            record(Verb.CATEGORY_PUT, "category", category, city_id=city.pk, old=None, new=standing, pack=name)
        for category in sorted(of_cases):
            _tell_cases(Case.objects.filter(city=city, category=category), None, begun[category], now)


def adopt(city: City, now: datetime, pack: str = STREET) -> list[str]:
    """Take over a pack's start values where no person has decided; the categories that stand elsewhere now. Raises PackError."""
    name, starts = measured(pack)
    moved = []
    with _changing(city):
        rows = {row.category: row for row in CategoryStanding.objects.filter(city=city)}
        decided = {category for category, row in rows.items() if row.person_id is not None}
        dropped = {category for category, row in rows.items() if row.pack and category not in starts}
        for category in sorted({*starts, *dropped} - decided):
            old = Standing(rows[category].standing) if category in rows else Standing.SHADOW
            new = starts.get(category, Standing.SHADOW)
            _put(city, category, new, now, pack=name, old=old)
            moved += [category] if old != new else []
    return moved


def newer_pack(city: City) -> list[str]:
    """A sentence if the shipped street pack is not the one whose figures this city's categories started from."""
    name, _ = measured(STREET)
    old = CategoryStanding.objects.filter(city=city).exclude(pack__in=("", name)).values_list("pack", flat=True).first()
    if not old:
        return []
    return [
        f"{city.key}: categories stand as {old} was measured; {name} is shipped now, take its figures over: trikeye server category adopt --city {city.key}"
    ]


def make_live(city: City, category: str, person: User, now: datetime) -> Proof:
    """A supervisor's word that a category may leave. Raises NotAllowed without the verdicts that show it."""
    _check(city, category, person)
    with _changing(city):
        proof = proofs(city, [category]).get(category, Proof())
        if not proof.is_enough:
            raise NotAllowed(
                f"{category} may not go live: {proof.verdicts} verdicts ({LEAST_VERDICTS} are needed), "
                f"precision surely over {proof.interval[0]:.2f} ({LEAST_PRECISION:.2f} is needed)"
                + _way_back(city, category)
            )
        _put(city, category, Standing.LIVE, now, person=person, old=_stands(city, category), proof=proof)
    return proof


def make_shadow(city: City, category: str, person: User, now: datetime, why: str = "") -> Proof:
    """A supervisor's word that a category leaves no more; at any time. How it stood is kept, to go back to. Raises NotAllowed."""
    _check(city, category, person)
    with _changing(city):
        proof = proofs(city, [category]).get(category, Proof())
        row = _row_of(city, category)
        _put(city, category, Standing.SHADOW, now, person=person, old=_stands(city, category), proof=proof, why=why)
        if row is not None and row.standing != Standing.SHADOW:
            kept = {"before": row.standing, "before_pack": row.pack, "before_person": row.person_id}
        else:
            kept = (
                {"before": row.before, "before_pack": row.before_pack, "before_person": row.before_person_id}
                if row
                else {}
            )
        CategoryStanding.objects.filter(city=city, category=category).update(**kept)
    return proof


def put_back(city: City, category: str, person: User, now: datetime, why: str = "") -> Standing:
    """A supervisor's word that a category stands again as it did before one put it into shadow, by whose word it did then: it was so already, so that no verdicts are asked for. Raises NotAllowed."""
    _check(city, category, person)
    with _changing(city):
        row = _row_of(city, category)
        if row is None or row.standing != Standing.SHADOW or not row.before:
            raise NotAllowed(f"{category} has nothing to go back to: it is {_stands(city, category)}, and no supervisor put it into shadow")  # fmt: skip
        new = Standing(row.before)
        _put(
            city,
            category,
            new,
            now,
            pack=row.before_pack,
            person=row.before_person,
            old=Standing.SHADOW,
            by=person,
            why=why,
        )
    return new


@dataclass(frozen=True)
class Affected:
    """What follows from putting a category elsewhere: so many cases of it are undecided, confirmed and about to leave, with the city; each counted up to AFFECTED."""

    undecided: int
    leaving: int
    at_city: int


def affected(city: City, category: str) -> Affected:
    """How many cases a change of this category's standing touches."""

    def many(*states: State) -> int:
        cases = Case.objects.filter(city=city, category=category)
        return sum(
            cases.filter(in_shadow(shadow), state=state)[:AFFECTED].count()
            for state in states
            for shadow in (False, True)
        )

    return Affected(many(*sorted(UNSETTLED)), many(State.CONFIRMED, State.REOPENED), many(*AT_CITY))


def make_trial(city: City, categories: Iterable[str], now: datetime) -> list[str]:
    """Let categories leave for sandboxes alone, without any proof. One that is live, or where a supervisor has decided, stays as it is. Those that were moved."""
    out = Q(standing__in=(Standing.TRIAL, Standing.LIVE))
    with _changing(city):
        kept = CategoryStanding.objects.filter(out | Q(person__isnull=False), city=city)
        moved = sorted(set(categories) - set(kept.values_list("category", flat=True)))
        for category in moved:
            _put(city, category, Standing.TRIAL, now, old=Standing.SHADOW)
    return moved


def why_kept(city: City, categories: Iterable[str]) -> list[str]:
    """Of categories that `make_trial` leaves where they are: why, a line each."""
    lines = []
    for row in CategoryStanding.objects.filter(city=city, category__in=list(categories)).select_related("person").order_by("category"):  # fmt: skip
        if row.standing == Standing.LIVE:
            lines.append(f"{row.category} is live already")
        elif row.standing == Standing.TRIAL:
            lines.append(f"{row.category} is live for sandboxes already")
        elif row.person:
            lines.append(f"{row.category} was put in shadow by {row.person.username}; a supervisor's word is needed{_way_back(city, row.category)}")  # fmt: skip
    return lines


def _way_back(city: City, category: str) -> str:
    """How a category gets back to where it stood before; empty if nothing is kept of that."""
    row = _row_of(city, category)
    if row is None or row.standing != Standing.SHADOW or not row.before:
        return ""
    return f'; back to {row.before}, as it was: trikeye server category back {category} --by PERSON --why "..."'


def proofs(city: City, among: Collection[str] | None = None) -> dict[str, Proof]:
    """What reviewers said last of cases that cameras found here: of each category (or those `among` alone) the newest LAST answers that counted, each case once, by its last one, for the category that it was proposed as. Drawn and replayed rides show nothing of a street.

    A walk along an index a category: a million verdicts cost what LAST do, also while `make_live` holds the city.
    """
    wanted = sorted(CATEGORIES if among is None else among)
    if not wanted:
        return {}
    said = Verdict.objects.filter(counted=True, undone_at=None, answer__in=("confirm", "reject"))
    later = said.filter(case=OuterRef("case"), at__gt=OuterRef("at"))
    last = said.filter(id__in=_newest(city, wanted), case__origin="camera").exclude(case__state=State.MERGED).exclude(Exists(later))  # fmt: skip
    right = Q(category="") | Q(category=F("proposed"))
    rows = last.values_list("proposed").annotate(
        confirmed=Count("id", filter=Q(answer="confirm") & right),
        rejected=Count("id", filter=Q(answer="confirm") & ~right | Q(answer="reject", reason__in=DETECTOR_REASONS)),
    )
    return {category: Proof(confirmed, rejected) for category, confirmed, rejected in rows}


def _newest(city: City, categories: Collection[str]) -> RawSQL:
    """The ids of the newest answers to cards of each category, as one statement; Django's own union takes no LIMIT in its parts on SQLite."""
    part = "SELECT id FROM (SELECT id FROM review_verdict WHERE city_id = %s AND proposed = %s AND counted AND undone_at IS NULL AND answer IN ('confirm', 'reject') ORDER BY at DESC LIMIT %s) AS newest"  # fmt: skip
    values = [value for category in categories for value in (city.pk, category, LAST)]
    return RawSQL(" UNION ALL ".join([part] * len(categories)), values)


def overview(city: City) -> list[Row]:
    """Every category that a pack sees, that has a standing, or that has cases here, by name."""
    rows = {row.category: row for row in CategoryStanding.objects.filter(city=city).select_related("person")}
    cards = dict(
        Case.objects.filter(city=city).exclude(state=State.MERGED).values_list("category").annotate(n=Count("id"))
    )
    keys = sorted({*rows, *cards, *measured(STREET)[1]})
    proof = proofs(city, keys)
    return [_row(category, rows.get(category), cards.get(category, 0), proof.get(category, Proof()))
            for category in keys]  # fmt: skip


def _row(category: str, row: CategoryStanding | None, cards: int, proof: Proof) -> Row:
    if row is None:
        return Row(category, Standing.SHADOW, "", "", "", None, cards, proof)
    source = "person" if row.person else "pack" if row.pack else "sandbox"
    name = row.person.username if row.person else ""
    before = Standing(row.before) if row.before else None
    return Row(category, Standing(row.standing), source, row.pack, name, row.since, cards, proof, before)


@contextmanager
def _changing(city: City) -> Iterator[None]:
    """A transaction that holds the city's row: nobody else changes its categories, and no case is opened meanwhile."""
    with transaction.atomic():
        City.objects.select_for_update().get(id=city.pk)
        yield


def _check(city: City, category: str, person: User) -> None:
    if category not in CATEGORIES:
        raise NotAllowed(f"there is no category {category!r}")
    if person.role != User.Role.SUPERVISOR or not person.is_active:
        raise NotAllowed(f"{person.username} is no supervisor: only one puts a category live or in shadow")
    if person.city_id not in (None, city.pk):
        raise NotAllowed(f"{person.username} belongs to another city than {city.key}")


def _stands(city: City, category: str) -> Standing:
    row = _row_of(city, category)
    return Standing(row.standing) if row else Standing.SHADOW


def _row_of(city: City, category: str) -> CategoryStanding | None:
    return CategoryStanding.objects.filter(city=city, category=category).select_related("person").first()


def _put(
    city: City,
    category: str,
    new: Standing,
    now: datetime,
    *,
    old: Standing,
    pack: str = "",
    person: User | None = None,
    proof: Proof | None = None,
    by: User | None = None,
    why: str = "",
) -> None:
    """Write how a category stands and by whose word (`person`), tell its cases, and record who did it (`by`, else the same) and why. Call while `_changing`."""
    values: dict[str, Any] = {
        "standing": new,
        "since": now,
        "pack": pack,
        "person": person,
        "before": "",
        "before_pack": "",
        "before_person": None,
    }
    values |= {"tried_until": now} if old == Standing.TRIAL != new else {}
    CategoryStanding.objects.update_or_create(city=city, category=category, defaults=values)
    if old != new:
        _tell_cases(Case.objects.filter(city=city, category=category), old, new, now)
    actor = by or person
    told: dict[str, Any] = proof.figures if proof else {"pack": pack} if pack else {} if person else {"sandbox": True}
    told |= {"why": why.strip()[:LONGEST_WHY]} if why.strip() else {}
    record(Verb.CATEGORY_PUT, "category", category, city_id=city.pk, actor_id=actor.pk if actor else None, old=old, new=new, **told)  # fmt: skip


def _tell_cases(cases: Any, old: Standing | None, new: Standing, now: datetime) -> None:
    """Undecided cases go with their category; a decided one stays as it was decided, so that who has it still sees it, and leaves only while its category does. `old` None: before, everything left, and what was confirmed so was under no standing."""
    cases.filter(state__in=sorted(UNSETTLED)).update(shadow=new == Standing.SHADOW)
    if old is None and new == Standing.SHADOW:
        came = Handover.objects.filter(case=OuterRef("pk"), kind=HandoverKind.CONFIRMED, receipted_at__isnull=False)
        cases.filter(~Exists(came), state=State.CONFIRMED).update(shadow=True)
    if new == Standing.LIVE or (old in (None, Standing.SHADOW) and new != Standing.SHADOW):
        return
    waiting = Handover.objects.filter(case=OuterRef("pk"), kind=HandoverKind.CONFIRMED, state=HandoverState.WAITING)
    for case in cases.filter(Exists(waiting)):
        hold_back(case, f"its category is {new} now", now)

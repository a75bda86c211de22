"""What audit rows are about, as people call it: a case by its number, a person by their name. Rows hold ids alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.accounts.services import cases_for, cities_for
from server.api.models import ApiToken
from server.audit.models import AuditRow
from server.audit.search import Asked
from server.cases.map_views import address
from server.cases.models import Note
from server.city.models import Destination
from server.fleet.models import City, Vehicle
from server.roles import may
from server.words import category_name, kind_name

NAMES = 200
"""So many names at most are offered while somebody types; where there are more, none."""
MEANT = 20
"""So many people at most are named where the beginning of a name fits more than one."""
SHORT = 12
BIGGEST_ID, MOST_CASES = 2**63, 2**31 - 1


@dataclass(frozen=True)
class Thing:
    """`words` for the reader; `name`: what finds it again in the search; `link`: its page, empty where there is none."""

    words: str
    name: str
    link: str = ""


def named(asked: Asked, reader: User) -> Asked:
    """Look up who and what was typed, by name or by number. Whoever nobody knows, or whoever may be several, did nothing: id 0, and "person" is told as wrong, with who may be meant."""
    if asked.who:
        person, *others = people_named(asked.who, reader) or [(0, "")]
        asked = replace(asked, person=0 if others else person[0], wrong=asked.wrong if person[0] and not others else (*asked.wrong, "person"), meant=tuple(name for _pk, name in (person, *others)) if others else ())  # fmt: skip
    if asked.object_id:
        kind = asked.kind or ("case" if _is_number(asked.object_id) else "")
        asked = replace(asked, kind=kind, object_ids=_ids_of(kind, asked.object_id, reader))
    return asked


def people_named(text: str, reader: User) -> list[tuple[int, str]]:
    """Id and name of who is called so, or has this id; else those among the reader's people whose names begin so, MEANT at most."""
    exactly = Q(username=text) | (Q(pk=int(text)) if _is_number(text) else Q())
    found = list(User.objects.filter(exactly).values_list("pk", "username"))
    found.sort(key=lambda each: each[1] != text)
    return found[:1] or list(_people_of(reader).filter(username__istartswith=text).order_by("username").values_list("pk", "username")[:MEANT])  # fmt: skip


def _people_of(reader: User) -> QuerySet[User]:
    return User.objects.filter(Q(city=reader.city_id) | Q(city=None)) if reader.city_id else User.objects.all()


def names_to_offer(reader: User) -> list[str]:
    """The people whose rows a reader may see, where they are few enough for a list."""
    found = list(_people_of(reader).order_by("username").values_list("username", flat=True)[: NAMES + 1])
    return found if len(found) <= NAMES else []


def things_of(rows: Iterable[AuditRow], reader: User) -> dict[tuple[str, str], Thing]:
    """What each of these rows is about: a query a kind, however many rows."""
    ids: dict[str, set[str]] = {}
    for row in rows:
        ids.setdefault(row.kind, set()).add(row.object_id)
    return {(kind, each): thing for kind, some in ids.items() for each, thing in _of_kind(kind, some, reader).items()}


def with_names(rows: Iterable[AuditRow], cities: Mapping[str, str]) -> list[tuple[AuditRow, dict[str, Any]]]:
    """Rows with their details, in which vehicles and cities go by their names."""
    told = [(row, row.detail) for row in rows]
    names = dict(Vehicle.objects.filter(pk__in={detail["vehicle"] for _row, detail in told if isinstance(detail.get("vehicle"), int)}).values_list("pk", "name"))  # fmt: skip

    def called(detail: dict[str, Any]) -> dict[str, Any]:
        more = {"vehicle": names[detail["vehicle"]]} if detail.get("vehicle") in names else {}
        if "city" in detail:
            more["city"] = cities.get(detail["city"], detail["city"]) if detail["city"] else _("all cities")
        return detail | more

    return [(row, called(detail)) for row, detail in told]


def reasons_of(rows: Iterable[AuditRow], reader: User) -> dict[int, str]:
    """What people wrote, by the id of the row that has a note: of the reader's cities, and what is not struck out."""
    notes = {row.pk: row.detail["note"] for row in rows if isinstance(row.detail.get("note"), int)}
    words = dict(Note.objects.filter(pk__in=notes.values(), struck_at=None, case__city__in=cities_for(reader)).values_list("pk", "words")) if may(reader, "case") else {}  # fmt: skip
    return {pk: words[note] for pk, note in notes.items() if note in words}


def chain_names() -> dict[str, str]:
    """What each chain of seals is of: a city, or what belongs to none."""
    names = {row[0]: row[1 if get_language() == "en" else 2] for row in City.objects.values_list("key", "name_en", "name_zh")}  # fmt: skip
    return {"": _("the whole system"), **names}


def case_things(case_ids: Iterable[int], reader: User) -> dict[int, Thing]:
    """Cases by their numbers, each with its page; what the reader may not open stays out."""
    if not may(reader, "case"):
        return {}
    rows = cases_for(reader).filter(pk__in=set(case_ids)).values_list("pk", "number", "city_id", "city__key")
    return {pk: Thing(_called("case", str(number)), str(number), address(number, key, city_id, reader)) for pk, number, city_id, key in rows}  # fmt: skip


def _of_kind(kind: str, ids: set[str], reader: User) -> dict[str, Thing]:
    if kind == "case":
        found = {str(pk): thing for pk, thing in case_things(map(int, filter(_is_number, ids)), reader).items()}
    elif kind in ROWS:
        rows, field = ROWS[kind]()
        names = rows.filter(pk__in=[int(each) for each in ids if _is_number(each)]).values_list("pk", field)
        found = {str(pk): Thing(_called(kind, name), name) for pk, name in names}
    elif kind == "category":
        found = {each: Thing(_called(kind, category_name(each)), each) for each in ids}
    elif kind == "export":
        found = {each: Thing(_called(kind, FORMATS.get(each, each)), each) for each in ids}
    else:
        found = {}
    return {
        each: found.get(each) or Thing(_called(kind, each if kind == "backup" else each[:SHORT]), each) for each in ids
    }


def _ids_of(kind: str, text: str, reader: User) -> tuple[str, ...]:
    """The ids of what somebody calls so; the text itself where the kind has no names."""
    if kind == "case":
        number = int(text) if _is_number(text) else 0
        own = cases_for(reader).filter(city__in=cities_for(reader), number=min(number, MOST_CASES))
        return tuple(str(pk) for pk in own.values_list("pk", flat=True)) or ("0",)
    if kind in ROWS:
        rows, field = ROWS[kind]()
        return tuple(map(str, rows.filter(**{field: text}).values_list("pk", flat=True))) or (text,)
    return (text,)


def _called(kind: str, name: str) -> str:
    return f"{kind_name(kind)} {name}".rstrip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < BIGGEST_ID


ROWS: dict[str, Callable[[], tuple[QuerySet[Any], str]]] = {
    "user": lambda: (User.objects.all(), "username"),
    "vehicle": lambda: (Vehicle.objects.all(), "name"),
    "destination": lambda: (Destination.objects.all(), "name"),
    "token": lambda: (ApiToken.objects.all(), "name"),
}
"""Kinds whose rows have names, and the field these stand in."""
FORMATS = {"csv": "CSV", "xlsx": "XLSX", "geojson": "GeoJSON"}

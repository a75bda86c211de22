"""`trikeye server trace`: the whole story of one sighting or case, out of the database; the log has the same ids."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING
from uuid import UUID

from server.start import start_over_data

if TYPE_CHECKING:
    from server.cases.models import Case


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="a sighting's id; or a case: its number, or case=123 as the log has it")
    parser.add_argument("--city", help="key of the city whose number it is (default: the first there is)")
    parser.add_argument("--json", action="store_true", help="print one object, for machines")


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from django.utils.timezone import localtime

    from server.trace import story_of_case, story_of_sighting

    sighting_id = _sighting_id(args.id)
    if sighting_id is None:
        case = _case(args.id, args.city)
        steps = story_of_case(case) if case else []
    else:
        steps = story_of_sighting(sighting_id)
    if not steps:
        print(f"trikeye server trace: nothing of {args.id} is here; a sighting is named by its id, a case by its number (and --city), or as in the log: case=123", file=sys.stderr)  # fmt: skip
        return 1
    told = [{"at": step.at.isoformat(), "event": step.event, **_filled(step.told)} for step in steps]
    if args.json:
        print(json.dumps({"id": args.id, "steps": told}, ensure_ascii=False, default=str))
        return 0
    for step in steps:
        rest = " ".join(f"{key}={value}" for key, value in _filled(step.told).items())
        print(f"{localtime(step.at):%Y-%m-%d %H:%M:%S}  {step.event:<20} {rest}")
    return 0


def _filled(told: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in told.items() if value not in (None, "")}


def _sighting_id(text: str) -> UUID | None:
    try:
        return UUID(text.removeprefix("sighting="))
    except ValueError:
        return None


def _case(text: str, city_key: str | None) -> Case | None:
    from server.cases.models import Case
    from server.fleet.models import City

    cases = Case.objects.select_related("city")
    by_id, number = text.startswith("case="), text.removeprefix("case=")
    if not number.isdecimal() or not number.isascii() or int(number) >= 2**31:
        return None
    if by_id:
        return cases.filter(id=int(number)).first()
    city = City.objects.filter(key=city_key).first() if city_key else City.objects.order_by("id").first()
    return cases.filter(city=city, number=int(number)).first()

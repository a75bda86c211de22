"""`trikeye server category`: which categories leave for a city, which stay in shadow, and what reviewers have shown of each."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from server.start import start_over_data

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User
    from server.categories.rules import Proof
    from server.categories.services import Row
    from server.fleet.models import City

MORE = """live needs --by a supervisor, 100 verdicts of the category (confirmed, or rejected because the detector was wrong) and a precision of
surely 0.70 or more; with --sandbox it needs neither, and its cases leave for sandboxes alone. shadow needs --by and --why; back puts a
category that a supervisor put in shadow where it stood before, with --by and --why and no verdicts; adopt takes a pack's measured categories
where no supervisor has decided."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = f"{parser.description} {MORE}"
    parser.add_argument("action", choices=("list", "live", "shadow", "back", "adopt"))
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="categories; adopt: a shipped pack's name or a folder (default: street)",
    )
    parser.add_argument("--city", default="taiyuan", help="key of the city (default: %(default)s)")
    parser.add_argument("--by", metavar="PERSON", help="the supervisor whose word it is")
    parser.add_argument("--why", default="", metavar="WORDS", help="shadow, back: the reason, kept in the audit")
    parser.add_argument("--sandbox", action="store_true", help="live: for sandboxes alone, without any proof")
    parser.add_argument("--all", action="store_true", help="live --sandbox: every category")
    parser.add_argument("--json", action="store_true", help="list: one line of JSON")


def run(args: argparse.Namespace) -> int:
    if wrong := _misused(args):
        print(f"trikeye server category: {wrong}", file=sys.stderr)
        return 2
    start_over_data()
    from models.packs import PackError
    from server.categories.services import NotAllowed
    from server.fleet.models import City

    city = City.objects.filter(key=args.city).first()
    if city is None:
        known = ", ".join(City.objects.values_list("key", flat=True)) or "none; trikeye server vehicle add makes one"
        print(f"trikeye server category: there is no city {args.city}; there is: {known}", file=sys.stderr)
        return 1
    try:
        return _list(city, args.json) if args.action == "list" else _put(city, args)
    except (NotAllowed, PackError) as wrong:
        print(f"trikeye server category: {wrong}", file=sys.stderr)
        return 1


def _misused(args: argparse.Namespace) -> str:
    """What is wrong with the words of the command; empty if nothing."""
    from models.taxonomy import CATEGORIES

    if args.action == "list":
        return "list takes no NAME" if args.names else ""
    if args.action == "adopt":
        return "adopt takes one pack" if len(args.names) > 1 else ""
    if args.all != (not args.names):
        return f"name the categories: trikeye server category {args.action} NAME" + (
            " (or --all)" if args.sandbox else ""
        )
    unknown = [name for name in args.names if name not in CATEGORIES]
    if unknown:
        return f"there is no category {', '.join(unknown)}; trikeye server category list names those in use"
    if (args.sandbox and args.action != "live") or (args.all and not args.sandbox):
        return "--sandbox goes with live, and --all with --sandbox"
    if not args.sandbox and not args.by:
        return "name the supervisor whose word it is: --by PERSON"
    return 'say why, for the audit: --why "..."' if args.action in ("shadow", "back") and not args.why.strip() else ""


def _put(city: City, args: argparse.Namespace) -> int:
    from django.db import transaction
    from django.utils import timezone

    from models.taxonomy import CATEGORIES
    from server.accounts.models import User
    from server.categories.services import NotAllowed, adopt, make_trial, why_kept

    now = timezone.now()
    if args.action == "adopt":
        moved = adopt(city, now, args.names[0] if args.names else "street")
        print(f"{city.key}: {', '.join(moved) if moved else 'nothing'} stands elsewhere now")
        return 0
    if args.sandbox:
        moved = make_trial(city, args.names or list(CATEGORIES), now)
        print(f"{city.key}: {len(moved)} categories are live for sandboxes alone now")
        for line in why_kept(city, set(args.names) - set(moved)):
            print(f"trikeye server category: {line}", file=sys.stderr)
        return 0 if moved or args.all else 1
    person = User.objects.filter(username=args.by).first()
    if person is None:
        raise NotAllowed(f"there is no {args.by}; add one: trikeye server user add {args.by} --role supervisor")
    with transaction.atomic():
        lines = [f"{city.key}: {name} is {_put_one(city, name, person, now, args)}" for name in args.names]
    print("\n".join(lines))
    return 0


def _put_one(city: City, name: str, person: User, now: datetime, args: argparse.Namespace) -> str:
    """Put one category where the command says; where it is now, in words."""
    from server.categories.services import make_live, make_shadow, put_back

    if args.action == "live":
        return f"live now ({_words(make_live(city, name, person, now))})"
    if args.action == "shadow":
        return f"in shadow now ({_words(make_shadow(city, name, person, now, args.why))})"
    return f"{put_back(city, name, person, now, args.why)} again, as it was before"


def _list(city: City, as_json: bool) -> int:
    from server.categories.services import newer_pack, overview

    rows = overview(city)
    if as_json:
        print(json.dumps({"city": city.key, "categories": {row.category: _facts(row) for row in rows}}))
        return 0
    print(f"{'category':24} {'standing':10} {'by':26} {'cases':>6} {'verdicts':>8}  {'precision':17} may go live")
    for row in rows:
        by = {"person": row.person, "pack": row.pack, "sandbox": "for sandboxes alone", "": "nothing measured"}[
            row.source
        ]
        may = "is live" if row.standing == "live" else "yes" if row.proof.is_enough else "no"
        print(
            f"{row.category:24} {row.standing:10} {by:26} {row.cards:6} {row.proof.verdicts:8}  {_share(row.proof):17} {may}"
        )
    for line in newer_pack(city):
        print(line, file=sys.stderr)
    return 0


def _facts(row: Row) -> dict[str, Any]:
    return {
        "standing": row.standing, "source": row.source, "pack": row.pack, "person": row.person, "since": row.since.isoformat() if row.since else None,
        "cases": row.cards, **row.proof.figures, "may_go_live": row.proof.is_enough, "before": row.before,
    }  # fmt: skip


def _words(proof: Proof) -> str:
    return f"{proof.verdicts} verdicts, precision {_share(proof)}"


def _share(proof: Proof) -> str:
    low, high = proof.interval
    return "-" if proof.precision is None else f"{proof.precision:.2f} [{low:.2f}-{high:.2f}]"

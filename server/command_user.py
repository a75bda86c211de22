"""`trikeye server user`: add a person, give a new password, take a second factor away, let somebody in or shut them out."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from server.start import start_over_data

if TYPE_CHECKING:
    from server.accounts.models import User

ROLES = ("reviewer", "supervisor", "fleet", "city", "auditor", "admin")
ACTIONS = ("add", "password", "second-factor", "place", "shut-out", "let-in")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("name")
    parser.add_argument("--role", choices=ROLES, help="of who is added or placed (default: reviewer)")
    parser.add_argument("--city", help="key of the one city whose cases this person sees and decides (default: all)")
    parser.add_argument("--language", choices=("zh-hans", "en"), default="", help="of the pages (default: what the browser asks for, else Chinese)")  # fmt: skip
    parser.add_argument("--reset", action="store_true", help="with second-factor: take it away, so that the next sign-in makes a new one")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    if args.action == "second-factor" and not args.reset:
        print(f"trikeye server user: say what to do with it: trikeye server user second-factor {args.name} --reset", file=sys.stderr)  # fmt: skip
        return 2
    start_over_data()
    from server.accounts.models import User
    from server.accounts.people import BadName, LastAdministrator, NameTaken

    person = User.objects.filter(username=args.name).first()
    if args.action != "add" and person is None:
        print(f"trikeye server user: there is no {args.name}; add one: trikeye server user add {args.name}", file=sys.stderr)  # fmt: skip
        return 1
    try:
        print(_do(args, person))
    except NameTaken:
        print(f"trikeye server user: {args.name} is there already; for a new password: trikeye server user password {args.name}", file=sys.stderr)  # fmt: skip
        return 1
    except BadName:
        print("trikeye server user: a name has up to 150 letters, digits and @ . + - _, and no space", file=sys.stderr)
        return 2
    except LastAdministrator:
        print(f"trikeye server user: {args.name} is the last administrator; add another one first: trikeye server user add NAME --role admin", file=sys.stderr)  # fmt: skip
        return 1
    return 0


def _do(args: argparse.Namespace, person: User | None) -> str:
    """Do it, and say what was done."""
    from server.accounts import people
    from server.fleet.services import city_by_key

    city = city_by_key(args.city) if args.city else None
    if args.action == "add" or person is None:
        _, password = people.add_person(args.name, args.role or "reviewer", city, args.language)
        return f"{args.name}: password {password}   (shown this once; at the first sign-in it is replaced and a second factor is set up)"
    if args.action == "password":
        return (
            f"{args.name}: password {people.renew_password(person)}   (shown this once; replaced at the next sign-in)"
        )
    if args.action == "second-factor":
        gone = people.reset_factors(person)
        return f"{args.name}: {'second factor taken away' if gone else 'had no second factor'}; the next sign-in sets one up"
    if args.action == "place":
        people.place_person(person, args.role or person.role, city)
        return f"{args.name}: {args.role or person.role}, {city.key if city else 'all cities'}"
    people.put_in_use(person, args.action == "let-in")
    return f"{args.name}: {'may sign in' if args.action == 'let-in' else 'shut out; what they decided stays'}"

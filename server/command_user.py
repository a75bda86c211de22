"""`trikeye server user`: add a person, or give one a new password."""

from __future__ import annotations

import argparse
import sys

from server.start import start_over_data

ROLES = ("reviewer", "supervisor", "fleet", "city", "auditor", "admin")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add", "password"))
    parser.add_argument("name")
    parser.add_argument("--role", choices=ROLES, default="reviewer")
    parser.add_argument("--city", help="key of the one city whose cases this person sees and decides (default: all)")
    parser.add_argument("--language", choices=("zh-hans", "en"), default="", help="of the pages (default: what the browser asks for, else Chinese)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from django.db import transaction

    from server.accounts.models import User
    from server.audit.rules import Verb
    from server.audit.services import record
    from server.broker import new_password
    from server.fleet.services import city_by_key

    exists = User.objects.filter(username=args.name).first()
    if args.action == "add" and exists:
        print(
            f"trikeye server user: {args.name} is there already; for a new password: trikeye server user password {args.name}",
            file=sys.stderr,
        )
        return 1
    if args.action == "password" and not exists:
        print(
            f"trikeye server user: there is no {args.name}; add one: trikeye server user add {args.name}",
            file=sys.stderr,
        )
        return 1
    password = new_password()
    with transaction.atomic():
        user = exists or User(username=args.name, role=args.role, language=args.language)
        if args.city:
            user.city = city_by_key(args.city)
        user.set_password(password)
        user.save()
        record(Verb(f"user_{args.action}"), "user", user.pk)
    print(f"{args.name}: password {password}   (shown this once)")
    return 0

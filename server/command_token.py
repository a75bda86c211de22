"""`trikeye server token`: let other programs read (the API, and what is counted) as a role."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from server.start import start_over_data

NAME = r"[A-Za-z0-9_.-]{1,32}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add", "list", "revoke"))
    parser.add_argument("name", nargs="?", default="", help="what it is for, such as grafana")
    parser.add_argument("--role", choices=("supervisor", "fleet", "city", "auditor", "admin"), default="auditor", help="it reads what this role may (default: %(default)s)")  # fmt: skip
    parser.add_argument("--city", help="key of the one city that it reads (default: all)")
    parser.add_argument("--days", type=int, default=365, help="until it ends (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="list: one object, for machines")


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from django.utils import timezone

    from server.api.tokens import add_token, revoke_token
    from server.fleet.models import City

    if args.action == "list":
        return _list(args.json)
    if not re.fullmatch(NAME, args.name) or not 1 <= args.days <= 3660:
        print("trikeye server token: name it by letters, digits, _ . and - (32 at most), for 1 to 3660 days", file=sys.stderr)  # fmt: skip
        return 2
    if args.action == "revoke":
        if revoke_token(args.name, timezone.now()):
            print(f"{args.name}: revoked")
            return 0
        print(f"trikeye server token: there is no token {args.name}; trikeye server token list shows them", file=sys.stderr)  # fmt: skip
        return 1
    city = City.objects.filter(key=args.city).first() if args.city else None
    if args.city and city is None:
        known = ", ".join(City.objects.order_by("key").values_list("key", flat=True)) or "none yet"
        print(f"trikeye server token: there is no city {args.city} here; there is: {known}", file=sys.stderr)
        return 1
    try:
        text = add_token(args.name, args.role, city, args.days, timezone.now())
    except ValueError as wrong:
        print(f"trikeye server token: {wrong}", file=sys.stderr)
        return 1
    print(f"{args.name}: token {text}   (shown this once)")
    return 0


def _list(as_json: bool) -> int:
    from server.api.models import ApiToken

    rows: list[dict[str, Any]] = [
        {
            "name": row.name, "role": row.role, "city": row.city.key if row.city else None, "made_at": row.made_at.isoformat(), "ends_at": row.ends_at.isoformat(),
            "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None, "last_used_at": row.last_used_at.isoformat() if row.last_used_at else None,
        }
        for row in ApiToken.objects.select_related("city").order_by("id")
    ]  # fmt: skip
    if as_json:
        print(json.dumps({"tokens": rows}, ensure_ascii=False))
        return 0
    for row in rows:
        used = f"last used {row['last_used_at'][:16]}" if row["last_used_at"] else "never used"
        over = f"revoked {row['revoked_at'][:10]}" if row["revoked_at"] else f"until {row['ends_at'][:10]}"
        print(f"{row['name']}: {row['role']}, {row['city'] or 'all cities'}, {over}, {used}")
    return 0

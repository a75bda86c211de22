"""`trikeye server audit`: whether the audit is as it was sealed, and its newest seals to be kept elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from server.start import start_over_data

if TYPE_CHECKING:
    from server.audit.seals import Found


UNALTERED, ALTERED = "unaltered 未被改动", "ALTERED 已被改动"


def said(found: Found) -> str:
    """In words, whether a chain is as it was sealed."""
    if found.faults:
        return ALTERED
    return UNALTERED if found.seals else "nothing sealed yet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("verify", "head"))
    parser.add_argument("--city", help="key of one city (default: all, and what belongs to none)")
    parser.add_argument("--head", action="append", default=[], metavar="HASH", help="a head that was kept elsewhere; it must still be in its chain")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from server.audit.seals import chains, heads, look_at

    known = chains()
    if args.city is not None and args.city not in known:
        print(f"trikeye server audit: there is no city {args.city}; known: {', '.join(filter(None, known))}", file=sys.stderr)  # fmt: skip
        return 1
    wanted = list(known) if args.city is None else [args.city]
    if args.action == "head":
        seals = [each for each in heads() if each.chain in wanted]
        told = [{"city": each.chain, "batch": each.number, "last_id": each.last_id, "head": each.digest} for each in seals]  # fmt: skip
        print(json.dumps(told) if args.json else "\n".join(f"{each['head']}  {each['city'] or '(no city)'} batch {each['batch']}" for each in told))  # fmt: skip
        return 0
    found = [look_at(chain) for chain in wanted]
    faults = [fault for each in found for fault in each.faults]
    lost = [head for head in args.head if not any(head in each.digests for each in found)]
    if args.json:
        told_all = {"ok": not (faults or lost), "faults": [asdict(fault) for fault in faults], "lost_heads": lost,
                    "chains": [{"city": each.chain, "seals": each.seals, "rows": each.rows, "unsealed": each.unsealed, "head": each.head} for each in found]}  # fmt: skip
        print(json.dumps(told_all))
    else:
        for each in found:
            print(f"{each.chain or '(no city)'}: {said(each)}, {each.rows} rows in {each.seals} batches, {each.unsealed} not sealed yet")  # fmt: skip
        for head, chain in ((head, each.chain) for head in args.head for each in found if head in each.digests):
            print(f"head {head[:12]}: still in the chain of {chain or '(no city)'} 仍在链中")
        if not (faults or lost):
            print(f"all {UNALTERED}: {sum(each.rows for each in found)} sealed rows are as they were written" if any(each.seals for each in found) else "nothing is sealed yet; trikeye server work does it each minute")  # fmt: skip
    for fault in faults:
        print(f"trikeye server audit: {fault.chain or '(no city)'}, batch {fault.number}, rows {fault.first_id} to {fault.last_id}: {fault.what}", file=sys.stderr)  # fmt: skip
    for head in lost:
        print(f"trikeye server audit: no batch has the head {head}: the chain was made anew after it was kept, or it is another server's", file=sys.stderr)  # fmt: skip
    if faults or lost:
        print("Compare with a backup from before (trikeye server restore), and find out who may write the database.", file=sys.stderr)  # fmt: skip
    return 1 if faults or lost else 0

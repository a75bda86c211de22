"""A vehicle that sees something all the time: commits made sightings to a real outbox and writes down, elsewhere, what the outbox promised to keep.

A process of its own, started again by who runs it: `python -m demo.chaos.command_producer --help`.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from itertools import count as count_up
from pathlib import Path
from uuid import UUID

from demo.made import Maker
from edge.outbox import Outbox, OutboxError
from models.contract import Sighting, digest_of, encode


def commit_all(outbox: Outbox, ledger: Path, maker: Maker, enough: Path, rate_hz: float) -> None:
    """Commit sightings until the file `enough` is there, at most `rate_hz` a second, going on behind the ledger's last line. Raises OutboxError.

    A line `id digest sequence` is in the ledger only after `put` came back; where that says the id was there before, the outbox has to tell the rest.
    """
    done = len(ledger.read_bytes().splitlines()) if ledger.exists() else 0
    page = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        began_s = time.monotonic()
        for number in count_up(done):
            if enough.exists():
                return
            promised = "- -"

            def make(uuid: UUID, sequence: int, number: int = number) -> Sighting:
                nonlocal promised
                sighting = maker.make(number, uuid, sequence)
                promised = f"{digest_of(encode(sighting))} {sequence}"
                return sighting

            is_new = outbox.put(maker.id_of(number), make)
            os.write(page, f"{maker.id_of(number)} {promised if is_new else '- -'}\n".encode())
            time.sleep(max(0.0, began_s + (number - done + 1) / rate_hz - time.monotonic()))
    finally:
        os.close(page)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outbox", type=Path, required=True)
    parser.add_argument("--ledger", type=Path, required=True, help="outside of what faults may reach")
    parser.add_argument("--vehicle", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--street", type=int, default=0)
    parser.add_argument("--enough", type=Path, required=True, metavar="FILE", help="stop when this file is there")
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--unknown-share", type=float, default=0.0)
    parser.add_argument("--full-size-every", type=int, default=0)
    parser.add_argument("--cap-bytes", type=int, default=4_000_000_000)
    args = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    maker = Maker(args.seed, args.vehicle, args.street, args.unknown_share, full_size_every=args.full_size_every)
    try:
        commit_all(Outbox(args.outbox, args.cap_bytes), args.ledger, maker, args.enough, args.rate)
    except OutboxError as trouble:
        print(f"{type(trouble).__name__}: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

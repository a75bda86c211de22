"""What a sighting costs the server's intake: processor time from the message's bytes to the row in its case, fifty in one transaction.

`.venv/bin/python benchmarks/intake.py` drives vehicles past the same places over and over, in a database of its own that is removed: each round adds
a sighting to every case. Joining costs more the more sightings a case has, so the first and the last quarter are told apart. `--json` prints the figures
as the last line; making the messages is not counted, keeping their pictures and committing are.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from uuid import UUID

from demo.made import PASS_SIGHTINGS, STREET_PLACES, Maker
from models.contract import encode, topic

TOGETHER = 50


def messages(vehicles: int, places: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Each vehicle's next sighting in turn; three vehicles share a street, and the first places of it are passed again and again."""
    makers = [Maker(1, f"TY-{number:02}", street=number // 3) for number in range(vehicles)]
    for number in range(count):
        maker, turn = makers[number % vehicles], number // vehicles
        sighting = maker.make(turn // places * STREET_PLACES + turn % places, UUID(int=number % vehicles + 1), turn + 1)
        yield topic(maker.vehicle, "sighting"), encode(sighting)


def measure(vehicles: int, places: int, count: int) -> list[float]:
    """Processor ms a sighting of each batch, in the order they were taken."""
    from django.core.management import call_command
    from django.utils import timezone

    from server.fleet.services import add_vehicle
    from server.intake.services import take_sightings

    call_command("migrate", verbosity=0)
    for number in range(vehicles):
        add_vehicle(f"TY-{number:02}", "taiyuan", "fleet")
    spent_ms, made = [], messages(vehicles, places, count)
    while batch := [each for each, _ in zip(made, range(TOGETHER), strict=False)]:
        began = time.process_time()
        answers = take_sightings(batch, timezone.now())
        spent_ms.append(1000 * (time.process_time() - began) / len(batch))
        assert all(answer and answer.outcome == "accepted" for answer in answers), answers
    return spent_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=8)
    parser.add_argument("--places", type=int, default=PASS_SIGHTINGS, help="of each street (default: %(default)s)")
    parser.add_argument("--count", type=int, default=3000, help="sightings (default: %(default)s)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trikeye-intake-") as data:
        os.environ["TRIKEYE_DATA"] = data
        from server.start import start

        start()
        spent_ms = measure(args.vehicles, args.places, args.count)
    quarter = max(1, len(spent_ms) // 4)
    figures = {
        name: round(sum(part) / len(part), 2)
        for name, part in (("intake_ms", spent_ms), ("first_ms", spent_ms[:quarter]), ("last_ms", spent_ms[-quarter:]))
    }
    if args.json:
        print(json.dumps(figures))
    else:
        print(
            "processor ms a sighting: {intake_ms}; of the first quarter {first_ms}, of the last {last_ms}".format(
                **figures
            )
        )


if __name__ == "__main__":
    main()

"""`trikeye server work`: screening, hand-overs, housekeeping; every step may run twice without harm."""

from __future__ import annotations

import argparse
import logging
import signal
import threading

from server.start import count_as, start_over_data

log = logging.getLogger("trikeye.work")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pause",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="between two looks when there is nothing to do (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    count_as("work")
    start_over_data()
    from django.db import DatabaseError, close_old_connections
    from django.utils import timezone

    from server.accounts.refused import tell_wrong_names
    from server.accounts.services import clear_sessions
    from server.alive import beat
    from server.audit.seals import Sealer
    from server.cases.counts import Counter
    from server.city.services import prepare_handovers, send_due
    from server.coverage.services import forget_old
    from server.dashboard.days import sum_up_days
    from server.keeping.services import Eraser
    from server.places.services import Walk
    from server.quality.services import Summer
    from server.screening.services import screen_new

    stopped, name_places, count_cases = threading.Event(), Walk().name_places, Counter().count_cases
    sum_verdicts = Summer().sum_days
    seal_audit, erase_old = Sealer().seal_audit, Eraser().erase_old
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopped.set())
    while not stopped.is_set():
        done = 0
        for step in (
            screen_new,
            prepare_handovers,
            send_due,
            name_places,
            clear_sessions,
            tell_wrong_names,
            forget_old,
            count_cases,
            sum_up_days,
            sum_verdicts,
            seal_audit,
            erase_old,
        ):
            close_old_connections()
            beat("work")
            try:
                done += step(timezone.now())
            except DatabaseError as wrong:
                log.error("%s: the database failed (%s); trying again", step.__name__, wrong)
                stopped.wait(2.0)
            except Exception:  # one step's fault must not stop the others
                log.exception("%s failed; trying again", step.__name__)
                stopped.wait(2.0)
        if not done:
            stopped.wait(args.pause)
    return 0

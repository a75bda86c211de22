"""A few vehicles of a simulated fleet that are real: their outboxes are files, their uplinks the vehicle's own code, in threads."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from demo.simulate import FLOOD, OUTCOMES, Habits, Tally
from demo.simulate_coverage import Looks
from demo.simulate_light import RESEND_S, WINDOW, Broker
from edge.outbox import Outbox
from edge.outbox_coverage import CoverageBox
from edge.settings import Settings
from edge.uplink import Uplink


@dataclass
class Real:
    """One vehicle. `start`, then `step` now and then, `close`, then `tally`."""

    habits: Habits
    password: str
    broker: Broker
    folder: Path
    uplink: Uplink | None = None
    _made: dict[UUID, float] = field(default_factory=dict)
    _next: int = 0
    _published: int = 0
    _coverage: Counter[str] = field(default_factory=Counter)
    _happened: list[str] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the outbox and begin to send."""
        self.began_s, self.path = time.monotonic(), self.folder / "outbox.sqlite3"
        self.outbox = Outbox(self.path)
        self._box, self._looks = CoverageBox(self.outbox), Looks(self.habits.maker, self.habits.clock_error_s)
        self._begin_uplink()

    def step(self) -> None:
        """What is due."""
        passed_s = time.monotonic() - self.began_s
        while self._next < len(self.habits.events) and self.habits.events[self._next].at_s <= passed_s:
            what = self.habits.events[self._next].what
            self._next += 1
            for _ in range({"see": 1, "flood": FLOOD}.get(what, 0)):
                self._put(len(self._made))
            if what in ("drive", "arrive"):
                self._drive(passed_s, is_end=what == "arrive")
            if what in ("flood", "outage"):
                self._happened.append(what)
            if what == "outage":
                self._end_uplink()
            elif what == "back":
                self._begin_uplink()

    @property
    def unanswered(self) -> int:
        """Messages in the outbox."""
        return self.outbox.counts()["waiting"] + self._box.counts()["waiting"]

    def close(self) -> None:
        """End the uplink; the outbox stays."""
        self._end_uplink()
        self.outbox.close()

    def tally(self) -> Tally:
        """What the outbox says came of it; call after `close`."""
        out = Tally(sent=len(self._made), published=self._published, coverage=self._coverage)
        out.happened.update(self._happened)
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)) as db:
            for id_, outcome, at_s in db.execute("SELECT id, outcome, at_s FROM settled"):
                out.answer(outcome, "", max(0.0, at_s - self._made[UUID(bytes=id_)]))
            for (reason,) in db.execute("SELECT aside FROM message WHERE aside IS NOT NULL"):
                out.refused[reason.partition(":")[0]] += 1
            out.sent_bytes = int(db.execute("SELECT COALESCE(SUM(bytes), 0) FROM spent").fetchone()[0])
        return out

    def _put(self, number: int) -> None:
        maker, error_s = self.habits.maker, self.habits.clock_error_s
        self._made[maker.id_of(number)] = time.time()
        self.outbox.put(maker.id_of(number), lambda uuid, sequence: maker.make(number, uuid, sequence, error_s))

    def _drive(self, passed_s: float, *, is_end: bool) -> None:
        for coverage in self._looks.until(passed_s, is_end=is_end):
            self._box.put(coverage)
            self._coverage["made"] += 1

    def _begin_uplink(self) -> None:
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        """The outbox is opened here once more: a connection belongs to its thread."""
        self.uplink = Uplink(self._settings(), Outbox(self.path))
        self.uplink.run()
        self._published += sum(self.uplink.counts[each] for each in ("sent", "resent", "coverage_sent"))
        self._coverage.update({each: self.uplink.counts[f"coverage_{each}"] for each in OUTCOMES})
        self.uplink.outbox.close()

    def _end_uplink(self) -> None:
        if self._thread is not None and self.uplink is not None:
            self.uplink.stop()
            self._thread.join(15)
        self._thread = None

    def _settings(self) -> Settings:
        name = self.habits.name
        uplink = {"host": self.broker.host, "port": self.broker.port, "user": name, "password": self.password, "tls": self.broker.tls,
                  "ca_file": self.broker.ca_file, "resend_s": RESEND_S, "in_flight": WINDOW}  # fmt: skip
        return Settings.model_validate({"origin": "demo", "vehicle": {"name": name, "data": self.folder}, "uplink": uplink})  # fmt: skip

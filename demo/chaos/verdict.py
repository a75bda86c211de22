"""What became of each id: read from the ledgers, the outboxes and the back office's database, judged without any of their code.

Each id that an outbox promised to keep must be exactly one of: on the server once, with a digest the vehicle sent and its pictures whole; refused and
kept aside at both ends; evicted under a cap, and counted; named unreadable after damage to the medium.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID


@dataclass
class Vehicle:
    """The books of one vehicle. `promised`: id → digests its ledger and outbox name; the rest as the outbox says."""

    name: str
    uuid: str = ""
    committed: int = 0
    promised: dict[UUID, set[str]] = field(default_factory=dict)
    sequences: dict[int, UUID | None] = field(default_factory=dict)
    waiting: set[UUID] = field(default_factory=set)
    aside: set[UUID] = field(default_factory=set)
    evicted: set[UUID] = field(default_factory=set)
    unreadable: set[UUID] = field(default_factory=set)
    unreadable_sequences: set[int] = field(default_factory=set)
    trouble: str = ""


@dataclass(frozen=True)
class Row:
    """A sighting on the server, as often as it is there."""

    id: UUID
    digest: str
    outbox: str
    sequence: int
    is_whole: bool


@dataclass(frozen=True)
class Server:
    """The back office's books: sightings, ids that it refused and kept, ids that are in several cases or counted twice."""

    rows: list[Row]
    refused: set[UUID]
    miscounted_cases: int = 0


@dataclass
class Verdict:
    """Counts of ids; `words` says of the first some what is wrong with them."""

    committed: int = 0
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    set_aside: int = 0
    evicted: int = 0
    unreadable: int = 0
    waiting: int = 0
    words: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing doubled, nothing left on the way."""
        return not (self.lost or self.doubled or self.waiting)

    def blame(self, what: str, thing: object) -> None:
        """Keep the first complaints for a person."""
        if len(self.words) < 20:
            self.words.append(f"{what}: {thing}")


def judge(vehicles: Iterable[Vehicle], server: Server) -> Verdict:
    """Each promised id in exactly one place, and no gap in any outbox's sequences that nothing explains."""
    out = Verdict()
    there: dict[UUID, list[Row]] = {}
    for row in server.rows:
        there.setdefault(row.id, []).append(row)
    places = Counter((row.outbox, row.sequence) for row in server.rows)
    for (outbox, sequence), times in places.items():
        if times > 1:
            out.doubled += times - 1
            out.blame("two ids share one place in an outbox", f"{outbox} {sequence}")
    out.doubled += server.miscounted_cases
    if server.miscounted_cases:
        out.blame("cases whose count differs from their sightings", server.miscounted_cases)
    for vehicle in vehicles:
        if vehicle.trouble:
            out.blame(vehicle.name, vehicle.trouble)
        for sighting_id, digests in vehicle.promised.items():
            out.committed += 1
            _judge_one(out, vehicle, sighting_id, digests, there.get(sighting_id, []), server.refused)
        _judge_gaps(out, vehicle, server)
    return out


def _judge_one(
    out: Verdict, vehicle: Vehicle, sighting_id: UUID, digests: set[str], rows: list[Row], refused: set[UUID]
) -> None:
    """Count one id in its place. An id that the server took counts as delivered, even if the cap forced it out before the answer came."""
    if rows:
        out.delivered += 1
        if len(rows) > 1 or sighting_id in refused or sighting_id in vehicle.aside:
            out.doubled += 1
            out.blame("doubled", f"{vehicle.name} {sighting_id}")
        if not rows[0].is_whole or (digests and rows[0].digest not in digests):
            out.lost += 1
            out.blame("on the server with other bytes than the vehicle's", f"{vehicle.name} {sighting_id}")
        elif sighting_id in vehicle.waiting:
            out.waiting += 1
            out.blame("on the server, and the vehicle does not know", f"{vehicle.name} {sighting_id}")
    elif sighting_id in vehicle.aside and sighting_id in refused:
        out.set_aside += 1
    elif sighting_id in vehicle.evicted:
        out.evicted += 1
    elif sighting_id in vehicle.unreadable:
        out.unreadable += 1
    elif sighting_id in vehicle.waiting:
        out.waiting += 1
        out.blame("still on the vehicle", f"{vehicle.name} {sighting_id}")
    else:
        out.lost += 1
        out.blame("lost", f"{vehicle.name} {sighting_id}")


def _judge_gaps(out: Verdict, vehicle: Vehicle, server: Server) -> None:
    """Whoever reads only the server's sequences must come to the same end."""
    there = {row.sequence for row in server.rows if row.outbox == vehicle.uuid}
    explained = {n for n, sighting_id in vehicle.sequences.items() if sighting_id not in vehicle.promised or
                 sighting_id in (vehicle.aside | vehicle.evicted | vehicle.waiting | vehicle.unreadable)}  # fmt: skip
    gaps = set(range(1, vehicle.committed + 1)) - there - explained - vehicle.unreadable_sequences
    named_lost = sum(1 for word in out.words if word.startswith(f"lost: {vehicle.name}"))
    if len(gaps) > named_lost and len(out.words) < 20:
        out.lost += len(gaps) - named_lost
        out.blame("gaps in the server's sequences that nothing explains", f"{vehicle.name} {sorted(gaps)[:5]}")


def read_vehicle(name: str, outbox: Path, ledger: Path) -> Vehicle:
    """The books of a vehicle; an outbox that cannot be read says so in `trouble`, and what only it knew is then missing."""
    vehicle = Vehicle(name)
    for line in ledger.read_text().splitlines() if ledger.exists() else []:
        sighting_id, digest, sequence = line.split()
        vehicle.promised.setdefault(UUID(sighting_id), set()).update(set() if digest == "-" else {digest})
        if sequence != "-":
            vehicle.sequences[int(sequence)] = UUID(sighting_id)
    try:
        with closing(sqlite3.connect(f"file:{outbox}?mode=ro", uri=True, timeout=20)) as db:
            _read_outbox(vehicle, db)
    except sqlite3.Error as wrong:
        vehicle.trouble = f"{outbox} cannot be read: {wrong}"
    return vehicle


def _read_outbox(vehicle: Vehicle, db: sqlite3.Connection) -> None:
    about = dict(db.execute("SELECT name, value FROM about"))
    vehicle.uuid, vehicle.committed = about["outbox"].replace("-", ""), int(about["sequence"])
    for sequence, id_, digest, aside in db.execute("SELECT sequence, id, digest, aside FROM message"):
        sighting_id = UUID(bytes=id_)
        vehicle.promised.setdefault(sighting_id, set()).add(digest)
        vehicle.sequences[sequence] = sighting_id
        (vehicle.waiting if aside is None else vehicle.aside).add(sighting_id)
    for sequence, id_, digest in db.execute("SELECT sequence, id, digest FROM settled"):
        vehicle.promised.setdefault(UUID(bytes=id_), set()).add(digest)
        vehicle.sequences[sequence] = UUID(bytes=id_)
    for digest, id_ in db.execute("SELECT digest, id FROM sent"):  # made smaller: the server may hold either
        vehicle.promised.setdefault(UUID(bytes=id_), set()).add(digest)
    for sequence, id_ in db.execute("SELECT sequence, id FROM unreadable"):
        named = UUID(bytes=id_) if id_ else vehicle.sequences.get(sequence)  # the ledger remembers whose place it was
        vehicle.unreadable_sequences.add(sequence)
        if named is not None:
            vehicle.unreadable.add(named)
    for sequence, id_ in db.execute("SELECT sequence, id FROM evicted"):
        vehicle.sequences[sequence] = UUID(bytes=id_) if id_ else None
        if id_:
            vehicle.evicted.add(UUID(bytes=id_))
            vehicle.promised.setdefault(UUID(bytes=id_), set())


def read_server(data: Path) -> Server:
    """The back office's books, from its database and its pictures."""
    with closing(sqlite3.connect(f"file:{data / 'db.sqlite3'}?mode=ro", uri=True, timeout=20)) as db:
        pictures: dict[str, list[str]] = {}
        for sighting, sha256 in db.execute("SELECT sighting_id, sha256 FROM cases_picture"):
            pictures.setdefault(sighting, []).append(sha256)
        rows = [
            Row(UUID(id_), digest, outbox.replace("-", ""), sequence, _are_whole(data, pictures.get(id_, [])))
            for id_, digest, outbox, sequence in db.execute("SELECT id, digest, outbox, sequence FROM cases_sighting")
        ]
        refused = {UUID(id_) for (id_,) in db.execute("SELECT sighting_id FROM intake_setaside WHERE sighting_id IS NOT NULL")}  # fmt: skip
        ((wrong,),) = db.execute(
            "SELECT COUNT(*) FROM cases_case WHERE state<>'merged' AND sightings_count<>(SELECT COUNT(*) FROM cases_sighting WHERE case_id=cases_case.id)"
        )
    return Server(rows, refused, int(wrong))


def _are_whole(data: Path, names: list[str]) -> bool:
    return bool(names) and all(_is_whole(data / "pictures" / name[:2] / name[2:4] / f"{name}.jpg", name) for name in names)  # fmt: skip


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def as_json(verdict: Verdict, faults: Mapping[str, int], seconds: float) -> dict[str, Any]:
    """The last line of a run."""
    names = ("committed", "delivered", "lost", "doubled", "set_aside", "evicted", "unreadable", "waiting")
    return {**{name: getattr(verdict, name) for name in names}, "faults": dict(sorted(faults.items())), "seconds": round(seconds, 1)}  # fmt: skip

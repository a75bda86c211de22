"""The whole chain on one machine: broker, back office, sandbox city, vehicle; and what is counted of it from outside."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import httpx

from calibration.files import MalformedCameraFile
from calibration.tracks import MalformedTrack
from demo.login import Login, Refused, SignIn, read_logins, write_logins
from demo.processes import Process, stop_all
from demo.score import Spot, problems_of, score
from edge.capture import NoPictures
from edge.ride import UTC, open_ride
from edge.zones import BadZones

SAMPLE = Path(__file__).parent / "ride" / "sample"
VEHICLE = "TY-01"
PEOPLE = {"reviewer": "reviewer", "supervisor": "supervisor", "officer": "city", "auditor": "auditor", "fleet": "fleet", "administrator": "admin"}  # fmt: skip
"""Who signs in to the pages, by name, and their role: somebody of each. The first one reviews, and is alone in a demo without people."""
SAMPLE_LASTS = timedelta(minutes=2)
SIGN_IN_S = 120.0
"""Checking a password takes its time on purpose, on a busy machine a long one."""
UNDECIDED = ("new", "queued")
HANDED_OVER = "SELECT COUNT(DISTINCT case_id) FROM city_handover WHERE kind = 'case.confirmed' AND state = 'receipted'"
"""Cases, each once: one that was taken back and confirmed again was handed over more than once."""


class ChainFailed(Exception):
    """The chain could not be started or did not end; the text says what was missing and which log to read."""


@dataclass
class Chain:
    """One run over one data folder. `start`, then `watch` now and then, then `stop`."""

    data: Path
    ride: Path
    headless: bool
    port: int | None = None
    embedded_broker: bool = False
    pack: str = ""
    say: Callable[[str], None] = lambda words: None
    processes: list[Process] = field(default_factory=list)
    _lock: IO[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.data = self.data.resolve()
        self.grace_s = 2 if self.headless else int(os.environ.get("TRIKEYE_GRACE_S", "15"))
        self.server_data, self.edge_data, self.city_data = (
            self.data / "server",
            self.data / "vehicle",
            self.data / "city",
        )
        ports = self._ports()
        self.broker_port, self.web_port, self.city_port = ports["broker"], ports["web"], ports["city"]
        self.web_url, self.city_url = f"http://127.0.0.1:{self.web_port}", f"http://127.0.0.1:{self.city_port}"
        self.env = {"TRIKEYE_DATA": str(self.server_data), "TRIKEYE_BROKER": f"127.0.0.1:{self.broker_port}", "TRIKEYE_HTTP_PORT": str(self.web_port),
                    "TRIKEYE_URL": self.web_url, "DJANGO_SETTINGS_MODULE": "server.settings",
                    "TRIKEYE_GRACE_S": str(self.grace_s), **({"TRIKEYE_BLIND_SHARE": "0"} if self.headless else {})}  # fmt: skip
        self.login_file = self.data / "login.txt"

    def start(self) -> None:
        """Set up what is missing and start every process, saying before each step what it is. Raises ChainFailed."""
        self._check_ride()
        self._take_folder()
        self._check_port()
        self._set_up()
        self.say("starting broker, pages, intake, work, sandbox city, uplink and the vehicle …")
        verbs: list[tuple[str, list[str], bool]] = [
            ("broker", ["server", "broker", "run", *(["--kind", "amqtt"] if self.embedded_broker else [])], False),
            ("web", ["server", "web", "--port", str(self.web_port)], False),
            ("intake", ["server", "intake"], False),
            ("work", ["server", "work"], False),
            ("city", ["demo", "city", "--data", str(self.city_data), "--port", str(self.city_port), "--secret-file", str(self.data / "city-secret"),
                      "--status-url", (self.data / "status-url").read_text()], False),
            ("uplink", ["edge", "uplink", "--config", str(self.data / "edge.toml"), "--data", str(self.edge_data)], False),
            ("vehicle", ["edge", "replay", str(self.ride), *self._when(), "--config", str(self.data / "edge.toml"), "--data", str(self.edge_data), "--json",
                         *(["--pack", self.pack] if self.pack else [])], True),
        ]  # fmt: skip
        self.processes = [
            Process(name, [sys.executable, "-m", "trikeye", *argv], self.env, self.data / "logs" / f"{name}.log", once)
            for name, argv, once in verbs
        ]
        for process in self.processes:
            process.start()
        self._wait_for_web()
        new = [login for login in self.logins.values() if not login.secret]
        if new:
            self.say(f"signing {', '.join(login.name for login in new)} in for the first time: password and second factor …")  # fmt: skip
        for login in new:
            self._sign_in_first(login)

    def watch(self) -> None:
        """Start again what has died."""
        for process in self.processes:
            process.watch()

    def stop(self) -> None:
        """End everything and leave the folder to others."""
        stop_all(self.processes)
        if self._lock is not None:
            self._lock.close()

    @property
    def login(self) -> Login:
        """The reviewer's."""
        return self.logins[next(iter(PEOPLE))]

    @property
    def logins(self) -> dict[str, Login]:
        """Everybody by name; nobody before the first start."""
        return read_logins(self.login_file)

    def progress(self) -> dict[str, int]:
        """What the databases say now."""
        out = {"committed": 0, "waiting": 0, "evicted": 0, "aside": 0, "sightings": 0, "cases": 0, "undecided": 0, "decided": 0, "set_aside": 0,
               "confirmed": 0, "open_handovers": 0, "handovers": 0, "fixed": 0}  # fmt: skip
        outbox = self.edge_data / "outbox.sqlite3"
        if outbox.exists():
            about = dict(_rows(outbox, "SELECT name, value FROM about"))
            out["committed"], out["evicted"] = int(about.get("sequence", 0)), int(about.get("evicted", 0))
            out["waiting"] = _rows(outbox, "SELECT COUNT(*) FROM message WHERE aside IS NULL")[0][0]
        database = self.server_data / "db.sqlite3"
        states = dict(_rows(database, "SELECT state, COUNT(*) FROM cases_case GROUP BY state"))
        out["sightings"] = _rows(database, "SELECT COUNT(*) FROM cases_sighting")[0][0]
        out["aside"] = _rows(database, "SELECT COUNT(*) FROM intake_setaside")[0][0]
        out["cases"] = sum(n for state, n in states.items() if state != "merged")
        out["undecided"] = sum(states.get(state, 0) for state in UNDECIDED)
        out["set_aside"], out["confirmed"], out["fixed"] = (
            states.get("set_aside", 0),
            states.get("confirmed", 0),
            states.get("fixed", 0),
        )
        out["handovers"] = _rows(database, HANDED_OVER)[0][0]
        out["open_handovers"] = _rows(database, "SELECT COUNT(*) FROM city_handover WHERE state = 'waiting'")[0][0]
        return out

    @property
    def ride_over(self) -> bool:
        """Whether the vehicle has seen every frame."""
        return next(p for p in self.processes if p.name == "vehicle").done

    @property
    def has_been_driven(self) -> bool:
        """Whether the vehicle has come to the end of the ride already, in this start or an earlier one."""
        return (self.data / "logs" / "vehicle.log").exists() and self._frames() > 0

    def is_done(self, now: dict[str, int]) -> bool:
        """The ride is over, the outbox empty, every card decided, every hand-over receipted, one case reported fixed (if one was confirmed)."""
        settled = now["waiting"] == 0 and now["undecided"] == 0 and now["confirmed"] == 0 and now["open_handovers"] == 0
        return self.ride_over and settled and (now["fixed"] > 0 or now["handovers"] == 0)

    def truth(self) -> tuple[list[Spot], set[int]]:
        """All problems of the ride, and those asked for."""
        return problems_of(json.loads((self.ride / "truth.json").read_text())) if self.has_truth else ([], set())

    @property
    def has_truth(self) -> bool:
        """Whether it is known what stands along this ride."""
        return (self.ride / "truth.json").exists()

    def result(self, seconds: float) -> dict[str, Any]:
        """The last line, counted from the databases and the truth; None for what only a truth could tell."""
        now, (problems, counted) = self.progress(), self.truth()
        cases = [
            Spot(*row)
            for row in _rows(
                self.server_data / "db.sqlite3",
                "SELECT id, category, lat_deg, lon_deg FROM cases_case WHERE state<>'merged'",
            )
        ]
        figures = score(problems, counted, cases)
        told = {
            "frames": self._frames(), "sightings": now["committed"], "acknowledged": self._settled(), "cases": now["cases"], "screened_out": now["set_aside"],
            "handovers": now["handovers"], "problems": figures.problems, "found": figures.found, "doubled": figures.doubled, "false_cases": figures.false_cases,
            "lost": self._lost(), "place_p50_m": figures.place_p50_m, "categories_found": figures.categories_found, "seconds": round(seconds, 1),
        }  # fmt: skip
        judged = ("problems", "found", "doubled", "false_cases", "place_p50_m", "categories_found")
        return told if self.has_truth else {**told, **dict.fromkeys(judged)}

    def matched(self) -> list[tuple[str, int]]:
        """Sorted (category, matched problem) of the confirmed cases: what must not depend on who died when."""
        problems, counted = self.truth()
        rows = _rows(
            self.server_data / "db.sqlite3",
            "SELECT id, category, lat_deg, lon_deg FROM cases_case WHERE state IN ('handed_over', 'accepted', 'fixed', 'confirmed')",
        )
        cases = [Spot(*row) for row in rows]
        matched = score(problems, counted, cases).matched
        return sorted((case.category, matched.get(case.key, 0)) for case in cases)

    def _frames(self) -> int:
        for line in reversed((self.data / "logs" / "vehicle.log").read_text(errors="replace").splitlines()):
            if line.startswith('{"frames"'):
                return int(json.loads(line)["frames"])
        return 0

    def _settled(self) -> int:
        return int(_rows(self.edge_data / "outbox.sqlite3", "SELECT COUNT(*) FROM settled")[0][0])

    def _lost(self) -> int:
        """Ids the outbox ever committed, minus those on the server, set aside, or evicted and counted."""
        outbox = self.edge_data / "outbox.sqlite3"
        about = dict(_rows(outbox, "SELECT name, value FROM about"))
        held = {bytes(row[0]).hex() for row in _rows(outbox, "SELECT id FROM message UNION SELECT id FROM settled")}
        there = {
            row[0].replace("-", "") for row in _rows(self.server_data / "db.sqlite3", "SELECT id FROM cases_sighting")
        }
        there |= {
            row[0].replace("-", "")
            for row in _rows(
                self.server_data / "db.sqlite3", "SELECT sighting_id FROM intake_setaside WHERE sighting_id IS NOT NULL"
            )
        }
        vanished = int(about["sequence"]) - int(about["evicted"]) - len(held)
        return len(held - there) + max(0, vanished)

    def _when(self) -> list[str]:
        """The sample is driven as if on the last day whose ride is over by now, the same day at every start; other rides when they were."""
        path = self.data / "began"
        if not path.exists() and (self.ride != SAMPLE or (self.edge_data / "outbox.sqlite3").exists()):
            return []
        if not path.exists():
            path.write_text(last_day(open_ride(SAMPLE).began, datetime.now(UTC) - SAMPLE_LASTS).isoformat())
        return ["--began", path.read_text()]

    def _check_ride(self) -> None:
        try:
            ride = open_ride(self.ride)
        except (NoPictures, MalformedTrack, MalformedCameraFile, BadZones, OSError) as wrong:
            raise ChainFailed(str(wrong)) from None
        if not ride.positions:
            raise ChainFailed(
                f"{self.ride} has no positions, so nothing could be placed; put track.csv, *.nmea or *.gpx beside the pictures"
            )

    def _take_folder(self) -> None:
        """One chain a folder: a second one would fight with the first over ports and names."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (self.data / "running").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ChainFailed(
                f"a demo runs in {self.data} already; stop it with Ctrl-C, or take another folder with --data"
            ) from None

    def _check_port(self) -> None:
        """Whoever else answers at the pages' port would be signed in to instead."""
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.web_port))
            except OSError as wrong:
                raise ChainFailed(f"port {self.web_port} cannot be had ({wrong.strerror}); stop what holds it, or begin in another folder: --data FOLDER --port NUMBER") from None  # fmt: skip

    def _set_up(self) -> None:
        for folder in (self.data, self.server_data, self.edge_data):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.say("making the database …" if not (self.server_data / "db.sqlite3").exists() else "looking after the database …")  # fmt: skip
        self._verb("server", "migrate", "--quiet")
        missing = [name for name in list(PEOPLE)[: 1 if self.headless else None] if name not in self.logins]
        if missing:
            self.say(f"adding {', '.join(missing)} …")
        for name in missing:
            self._add_person(name)
        if not (self.data / "edge.toml").exists():
            self._verb(
                "server", "vehicle", "add", VEHICLE, "--origin", "demo", "--write-config", str(self.data / "edge.toml")
            )
            with (self.data / "edge.toml").open("a") as file:
                file.write(
                    f"resend_s = 5.0\n\n[decide]\ncool_down_h = 0.0\nleast_views = {1 if self._is_photos() else 2}\n"
                )
        # A drawn street proves nothing of a network: every category may leave, but for sandboxes alone.
        self._verb("server", "category", "live", "--all", "--sandbox")
        if not (self.data / "status-url").exists():
            said = self._verb(
                "server", "destination", "add", "sandbox", f"{self.city_url}/webhook", "--sandbox", "--allow-private"
            )
            shown = json.loads(said.strip().splitlines()[-1])
            _write_secret(self.data / "city-secret", shown["secret"])
            _write_secret(self.data / "status-url", f"{self.web_url}{shown['status_path']}")

    def _add_person(self, name: str) -> None:
        said = self._verb("server", "user", "add", name, "--role", PEOPLE[name])
        self._keep(Login(name, said.split("password ")[1].split()[0]))

    def _keep(self, login: Login) -> None:
        write_logins(self.login_file, self.logins | {login.name: login})

    def _sign_in_first(self, login: Login) -> None:
        """Walk one person through their first sign-in; where an earlier start was cut short in it, from the beginning."""
        for password in (login.password, ""):
            if not password:
                password = self._verb("server", "user", "password", login.name).split("password ")[1].split()[0]
                self._verb("server", "user", "second-factor", login.name, "--reset")
            try:
                with httpx.Client(base_url=self.web_url, timeout=SIGN_IN_S, trust_env=False) as http:
                    self._keep(SignIn(http).enter_first(replace(login, password=password, secret=""), self._keep))
                return
            except (Refused, httpx.HTTPError) as wrong:
                trouble = str(wrong)
        raise ChainFailed(f"{login.name} could not sign in: {trouble}; log: {self.data}/logs/web.log")

    def _is_photos(self) -> bool:
        """Photographs show each thing once; a ride shows it from look to look."""
        truth = self.ride / "truth.json"
        return truth.exists() and bool(json.loads(truth.read_text()).get("photos"))

    def _verb(self, *argv: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "trikeye", *argv], env={**os.environ, **self.env}, capture_output=True, text=True
        )
        if done.returncode:
            raise ChainFailed(f"trikeye {' '.join(argv)}: {(done.stderr or done.stdout).strip()[-600:]}")
        return done.stdout

    def _wait_for_web(self) -> None:
        for _ in range(150):
            try:
                if httpx.get(f"{self.web_url}/health/", timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            self.watch()
            time.sleep(0.2)
        raise ChainFailed(
            f"the pages do not answer at {self.web_url}; {self.data}/logs/web.log ends:\n{next(p for p in self.processes if p.name == 'web').last_words()}"
        )

    def _ports(self) -> dict[str, int]:
        """The same ports at every start, so that what was configured once still fits."""
        path = self.data / "ports.json"
        if path.exists():
            return dict(json.loads(path.read_text()))
        ports = {name: free_port() for name in ("broker", "web", "city")}
        if self.port is not None:
            ports["web"] = self.port
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps(ports))
        return ports


def last_day(instant: datetime, latest: datetime) -> datetime:
    """The same time of day, as late as `latest` allows; `instant` itself where that is later."""
    return instant + timedelta(days=max(0, (latest - instant).days))


def temporary_data() -> Path:
    """A new empty folder for a run without people."""
    return Path(tempfile.mkdtemp(prefix="trikeye-demo-"))


def free_port() -> int:
    """A port of the loopback that nobody holds."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as db:
            return db.execute(query).fetchall() or ([(0,)] if "COUNT" in query and "GROUP" not in query else [])
    except sqlite3.OperationalError:
        return [(0,)] if "COUNT" in query and "GROUP" not in query else []


def _write_secret(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)

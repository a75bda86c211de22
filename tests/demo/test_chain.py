"""The whole chain, as processes, judged from outside."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import httpx
import pytest

from demo.chain import PEOPLE, SAMPLE, Chain, ChainFailed, last_day
from demo.command_run import TRIES, greeting
from demo.login import SignIn
from demo.people import People
from edge.ride import UTC
from models.packs import load_pack
from models.training.from_verdicts import build
from models.verdicts import read_export
from server.command_user import ROLES

pytestmark = pytest.mark.process
NAMES = ("vehicle", "uplink", "broker", "intake", "web", "work", "city")


def test_the_sample_ride_ends_as_cases_in_the_city(mosquitto: str, tmp_path: Path) -> None:
    """The headless demo on the committed ride, with the figures we promise."""
    argv = ["demo", "run", "--headless", "--until-done", "--json", "--data", str(tmp_path / "d"), "--limit", "280"]
    done = subprocess.run([sys.executable, "-m", "trikeye", *argv], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout.strip().splitlines()[-1])
    print(result)
    assert result["found"] >= 0.70 * result["problems"]
    assert result["categories_found"] >= 11
    assert result["doubled"] <= 0.10 * result["problems"]
    assert result["false_cases"] <= 0.10 * result["cases"]
    assert result["place_p50_m"] <= 2.0
    assert result["lost"] == 0
    assert result["handovers"] > 0
    assert result["acknowledged"] == result["sightings"]
    teaches(tmp_path / "d" / "server", tmp_path / "verdicts", result)


def teaches(server: Path, out: Path, result: dict[str, Any]) -> None:
    """What was decided leaves the back office, and becomes boxes of every category found and hard negatives of what was false."""
    argv = ["server", "export", "verdicts", "--out", str(out), "--json"]
    done = subprocess.run([sys.executable, "-m", "trikeye", *argv], capture_output=True, text=True, env={**os.environ, "TRIKEYE_DATA": str(server)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["cases"] == result["cases"] - result["screened_out"]
    report = build([out], out.with_name("set"), lambda *_: None)
    assert len(report.boxes) >= result["categories_found"]
    assert (sum(report.negatives.values()) > 0) == (result["false_cases"] > 0)
    assert all(pack.startswith(load_pack("street").name) for pack in {line.pack for line in read_export(out)})


@pytest.fixture(scope="session")
def office(short_ride: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A back office with its database and its people, which take seconds to make; the sample ride makes its own."""
    chain = Chain(tmp_path_factory.mktemp("office"), short_ride, headless=True)
    chain._verb("server", "migrate", "--quiet")
    for name in PEOPLE:
        chain._add_person(name)
    return chain.data


@pytest.fixture(scope="session")
def short_ride(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 20 s of the sample ride, as stills."""
    out = tmp_path_factory.mktemp("short")
    video, number = cv2.VideoCapture(str(SAMPLE / "video.mp4")), 0
    while number < 200:
        _, image = video.read()
        cv2.imwrite(str(out / f"{number:05d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        number += 1
    shutil.copy(SAMPLE / "camera.toml", out)
    shutil.copy(SAMPLE / "ride.toml", out)
    lines = (SAMPLE / "track.csv").read_text().splitlines()
    (out / "track.csv").write_text("\n".join(lines[: number + 1]) + "\n")
    truth = json.loads((SAMPLE / "truth.json").read_text())
    for problem in truth["problems"]:
        problem["views"] = [view for view in problem["views"] if view[0] < number]
    (out / "truth.json").write_text(json.dumps(truth))
    return out


def drive(office: Path, data: Path, ride: Path, kill: random.Random | None, broker: str = "auto", limit_s: float = 150) -> Chain:  # fmt: skip
    """Run a chain over a copy of an office to its end; with `kill`, one process dies at a random instant and the chain starts it again."""
    move_in(office, data)
    chain = Chain(data, ride, headless=True, embedded_broker=broker == "amqtt")
    victim, at_s = (kill.choice(NAMES), kill.uniform(1.0, 9.0)) if kill else ("", 1e9)
    try:
        chain.start()
        people, began = People(chain), time.monotonic()
        while time.monotonic() - began < limit_s:
            if time.monotonic() - began > at_s:
                process = next(p for p in chain.processes if p.name == victim)
                if process.popen is not None and process.popen.poll() is None:
                    os.killpg(process.popen.pid, signal.SIGKILL)
                at_s = 1e9
            chain.watch()
            people.act()
            if at_s == 1e9 and chain.is_done(chain.progress()):
                return chain
            time.sleep(0.3)
        pytest.fail(f"not done after {limit_s} s (killed {victim or 'nobody'}): {chain.progress()}")
    finally:
        chain.stop()


def move_in(office: Path, data: Path) -> None:
    """A chain's folder with an office in it, unless it has one."""
    if not (data / "server").exists():
        shutil.copytree(office / "server", data / "server")
        shutil.copy(office / "login.txt", data)


@pytest.fixture(scope="session")
def undisturbed(office: Path, short_ride: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return drive(office, tmp_path_factory.mktemp("calm"), short_ride, None).matched()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_process_that_dies_changes_nothing_in_the_end(
    seed: int, mosquitto: str, office: Path, short_ride: Path, undisturbed: list[Any], tmp_path: Path
) -> None:
    chain = drive(office, tmp_path, short_ride, random.Random(seed))
    assert undisturbed
    assert chain.matched() == undisturbed
    assert chain.result(0)["lost"] == 0


def test_the_embedded_broker_carries_the_chain_too(
    office: Path, short_ride: Path, undisturbed: list[Any], tmp_path: Path
) -> None:
    assert drive(office, tmp_path, short_ride, None, "amqtt").matched() == undisturbed


def test_a_second_start_sends_nothing_again(mosquitto: str, office: Path, short_ride: Path, tmp_path: Path) -> None:
    first = drive(office, tmp_path, short_ride, None).result(0)
    again = drive(office, tmp_path, short_ride, None).result(0)
    for key in ("sightings", "acknowledged", "cases", "handovers", "lost"):
        assert again[key] == first[key]


@pytest.mark.parametrize(("latest", "day"), [((28, 1, 31), 28), ((28, 1, 29), 27), ((2, 1, 30), 2), ((1, 0, 0), 2)])
def test_the_sample_is_driven_on_the_last_day_that_allows_its_time_of_day(
    latest: tuple[int, int, int], day: int
) -> None:
    began = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
    assert last_day(began, datetime(2026, 11, *latest, tzinfo=UTC)) == began.replace(day=day)


def test_the_sample_keeps_its_day_at_every_start_and_other_rides_theirs(short_ride: Path, tmp_path: Path) -> None:
    sample, other, older = (Chain(tmp_path / name, ride, headless=True) for name, ride in (("a", SAMPLE), ("b", short_ride), ("c", SAMPLE)))  # fmt: skip
    (verb, told), again = sample._when(), sample._when()
    assert (verb, again) == ("--began", ["--began", told])
    assert timedelta(minutes=1) < datetime.now(UTC) - datetime.fromisoformat(told) < timedelta(days=1, minutes=3)
    older.edge_data.mkdir(parents=True)
    (older.edge_data / "outbox.sqlite3").touch()
    assert (other._when(), older._when()) == ([], [])


def test_a_ride_without_positions_is_refused_before_anything_starts(tmp_path: Path) -> None:
    shutil.copy(SAMPLE / "video.mp4", tmp_path)
    chain = Chain(tmp_path / "data", tmp_path, headless=True)
    with pytest.raises(ChainFailed, match="no positions"):
        chain.start()
    assert not chain.processes


def test_a_second_demo_in_one_folder_says_so_and_leaves_the_first_alone(office: Path, short_ride: Path, tmp_path: Path) -> None:  # fmt: skip
    move_in(office, tmp_path)
    first = Chain(tmp_path, short_ride, headless=True, embedded_broker=True)
    try:
        first.start()
        with pytest.raises(ChainFailed, match=r"runs in .* already"):
            Chain(tmp_path, short_ride, headless=True).start()
        assert all(process.popen is not None and process.popen.poll() is None for process in first.processes[:5])
    finally:
        first.stop()


def test_a_port_that_another_program_holds_is_named_before_anything_is_made(tmp_path: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ChainFailed, match=f"port {port} cannot be had .*--port"):
            Chain(tmp_path, SAMPLE, headless=True, port=port).start()
    assert not (tmp_path / "server").exists()


def test_a_demo_says_what_it_opens_and_who_sees_the_pages_of_supervisors(short_ride: Path, tmp_path: Path) -> None:
    """Also over the data of an older demo, whose file named the reviewer alone."""
    told: list[str] = []
    chain = Chain(tmp_path, short_ride, headless=False, embedded_broker=True, say=told.append)
    for argv in (["migrate", "--quiet"], ["user", "add", "reviewer"]):
        subprocess.run([sys.executable, "-m", "trikeye", "server", *argv], env={**os.environ, **chain.env}, check=True, capture_output=True)  # fmt: skip
    (tmp_path / "login.txt").write_text("reviewer of-old\n")
    try:
        chain.start()
        said = greeting(chain)
        assert chain.login.name == "reviewer"
        assert len(chain.login.secret) == 32
        assert re.search(r"trikeye demo code reviewer --data \S+ ", said)
        assert sorted(PEOPLE.values()) == sorted(ROLES)
        assert list(chain.logins) == list(PEOPLE) == list(TRIES)
        for name, login in chain.logins.items():
            assert f"{name} / {login.password}   {TRIES[name]}\n" in said
        assert f"TRIKEYE_DATA={tmp_path}/server" in said
        assert [line.split()[0] for line in told] == ["looking", "adding", "starting", "signing"]
        assert "opens every category to the sandbox city" in said
        with httpx.Client(base_url=chain.web_url, trust_env=False, follow_redirects=True) as web:
            SignIn(web).enter(chain.logins["supervisor"])
            assert [web.get(page).status_code for page in ("/categories/", "/fleet/")] == [200, 200]
        with httpx.Client(base_url=chain.web_url, trust_env=False, follow_redirects=True) as web:
            SignIn(web).enter(chain.logins["administrator"])
            assert [web.get(page).status_code for page in ("/users/", "/review/")] == [200, 403]
    finally:
        chain.stop()


def test_a_folder_that_is_no_ride_is_refused_before_anything_starts(tmp_path: Path) -> None:
    argv = ["demo", "run", "--headless", "--until-done", "--data", str(tmp_path / "d"), "--ride", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "trikeye", *argv], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "holds neither video.mp4 nor *.jpg" in done.stderr
    assert not (tmp_path / "d" / "server").exists()


def test_without_a_truth_every_card_is_confirmed_and_nothing_is_judged(
    mosquitto: str, office: Path, short_ride: Path, tmp_path: Path
) -> None:
    ride = tmp_path / "ride"
    shutil.copytree(short_ride, ride)
    (ride / "truth.json").unlink()
    chain = drive(office, tmp_path / "d", ride, None)
    result = chain.result(0)
    assert result["problems"] is result["found"] is result["false_cases"] is None
    assert result["handovers"] == result["cases"] > 0


@pytest.mark.shared
def test_twenty_photographs_become_confirmed_cases_in_the_city(
    mosquitto: str, office: Path, shared: Path, tmp_path: Path
) -> None:
    """Real pictures, a real network, a real broker: at least one case arrives with its picture."""
    photos, labels, street = tmp_path / "photos", tmp_path / "labels", shared / "data" / "street"
    photos.mkdir()
    labels.mkdir()
    bags = [
        path
        for path in sorted((street / "labels" / "val").glob("*.txt"))
        if any(line.startswith("1 ") for line in path.read_text().splitlines())
    ]
    for label in bags[:20]:
        shutil.copy(next((street / "images" / "val").glob(label.stem + ".*")), photos)
        shutil.copy(label, labels)
    ride = tmp_path / "ride"
    argv = ["demo", "ride", "--from-photos", str(photos), "--labels", str(labels), "--out", str(ride)]
    subprocess.run([sys.executable, "-m", "trikeye", *argv], check=True, timeout=60)
    assert len(list(ride.glob("*.jpg"))) == 20
    chain = drive(office, tmp_path / "d", ride, None)
    result = chain.result(0)
    print(result)
    assert result["handovers"] >= 5
    assert result["lost"] == 0

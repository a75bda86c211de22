"""The simulated fleet: the same for a seed, honest about what the server said, and really troublesome."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import pytest

from demo.made import Maker
from demo.simulate import Tally, figures, habits, quantile_ms
from demo.simulate_coverage import Looks
from demo.simulate_fleet import BadFleet, broker_at, read_fleet
from models.contract import Sighting, decode, encode
from models.pixels import decode_jpeg

BEGAN = datetime.fromisoformat("2026-11-02T00:00:00+00:00")
ANY = Maker(1, "TY-01").id_of(0)


def test_the_same_seed_drives_the_same_fleet() -> None:
    first, again, other = (
        [habits(seed, number, f"SIM-{number}", 5, 4, BEGAN) for number in range(40)] for seed in (1, 1, 2)
    )
    assert first == again != other
    happened = Counter(event.what for each in first for event in each.events)
    assert happened["outage"] == happened["back"] > 4
    assert happened["flood"] > 0
    assert 40 * 5 * 4 * 0.8 < happened["see"] < 40 * 5 * 4 * 1.2
    assert 0 < sum(each.clock_error_s != 0 for each in first) < 20


@pytest.mark.parametrize("number", [0, 1, 99])
def test_a_made_sighting_is_one_by_the_contract_with_a_picture_that_opens(number: int) -> None:
    maker = Maker(3, "TY-01", full_size_every=100)
    body = encode(maker.make(number, ANY, number + 1))
    sighting = decode(Sighting, body)
    assert body == encode(maker.make(number, ANY, number + 1))
    assert len(body) == pytest.approx(maker.size_bytes(number), abs=200)
    assert decode_jpeg(sighting.pictures[0].bytes).shape == (144, 256, 3)
    assert sighting.id == maker.id_of(number)


def test_sizes_and_refusals_are_as_asked() -> None:
    maker = Maker(3, "TY-01", unknown_share=0.2, full_size_every=50)
    made = [maker.make(number, ANY, 1) for number in range(200)]
    assert 20 < sum(each.category == "made_to_be_refused" for each in made) < 60
    sizes = [len(encode(each)) for each in made]
    assert sum(size > 240_000 for size in sizes) == 4
    assert all(4_096 <= size <= 16_384 for size in sizes if size < 240_000)
    assert len({each.pictures[0].sha256 for each in made}) == 200


def test_figures_add_up() -> None:
    tally = Tally(sent=5)
    for outcome, reason in (("accepted", ""), ("known", ""), ("refused", "unknown_category: x"), ("refused", "unknown_category: y")):  # fmt: skip
        tally.answer(outcome, reason, 0.1)
    both = Tally()
    both.add(tally)
    told = figures(both, 3, 1, 2.0)
    assert (told["acknowledged"], told["known"], told["refused"], told["unanswered"]) == (2, 1, {"unknown_category": 2}, 1)  # fmt: skip
    assert told["answered_hz"] == 2.0


def test_a_fleet_is_done_only_when_its_coverage_is_answered_too() -> None:
    tally = Tally(sent=1)
    tally.answer("accepted", "", 0.1)
    tally.coverage.update(made=3, accepted=1, refused=1)
    assert figures(tally, 1, 0, 1.0)["unanswered"] == 1


def test_what_a_vehicle_looked_at_is_its_own_street_told_once_a_stretch_and_the_rest_at_the_end() -> None:
    maker = Maker(3, "TY-01", street=2, every_s=5.0, began=BEGAN)
    at_once, in_steps = Looks(maker, 0.0), Looks(maker, 0.0)
    told = at_once.until(100.0, is_end=True)
    assert told == [each for s in (10.0, 45.0, 99.9, 100.0) for each in in_steps.until(s, is_end=s == 100.0)]
    assert len(told) == 2, "a minute and 250 m make one, and there is a rest"
    assert all(each.vehicle == "TY-01" and each.origin == "demo" for each in told)
    seen = {look.cell for each in told for look in each.looks if look.quality >= 2}
    assert {h3.latlng_to_cell(*maker.place(number), 12) for number in range(2, 19)} <= seen
    assert not Looks(maker, 60.0).until(100.0, is_end=True), "nobody knows when that was"


def test_quantiles_are_values_that_were_there() -> None:
    values = [each / 1000 for each in range(1, 101)]
    assert [quantile_ms(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert quantile_ms([0.003], 0.5) == 3
    assert quantile_ms([], 0.5) is None


def simulate(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "trikeye", "demo", "simulate", *argv], capture_output=True, text=True, timeout=200)  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "words"),
    [(["--vehicles", "0"], "1 to 1000"), (["--vehicles", "1001"], "1 to 1000"), (["--minutes", "0"], "more than 0"),
     (["--vehicles", "2", "--real", "3"], "--real"), (["--broker", "mqtt://h:1"], "--fleet")],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused_with_what_can(argv: list[str], words: str) -> None:
    done = simulate(*argv)
    assert done.returncode == 2
    assert words in done.stderr


def test_addresses_and_fleets_that_cannot_be_used_say_what_to_do(tmp_path: Path) -> None:
    assert broker_at("mqtts://b.example", None) == broker_at("mqtts://b.example:8883", None)
    assert broker_at("b.example", None).port == 1883
    for wrong in ("http://b.example", "mqtt://b:x"):
        with pytest.raises(BadFleet, match="mqtt://HOST:PORT"):
            broker_at(wrong, None)
    with pytest.raises(BadFleet, match="--write-fleet"):
        read_fleet(tmp_path / "none", 1)
    (tmp_path / "fleet").write_text('{"password": "x", "names": ["a"]}')
    assert "x" not in repr(read_fleet(tmp_path / "fleet", 1))
    with pytest.raises(BadFleet, match="has 1 vehicles, not 2"):
        read_fleet(tmp_path / "fleet", 2)


@pytest.mark.process
@pytest.mark.broker
def test_a_fleet_drives_against_a_server_of_its_own_and_everything_is_answered(mosquitto: str, tmp_path: Path) -> None:
    done = simulate("--vehicles", "12", "--minutes", "0.25", "--rate", "30", "--seed", "4", "--data", str(tmp_path), "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert result["unanswered"] == 0
    assert result["sent"] == result["acknowledged"] + sum(result["refused"].values()) > 50
    assert result["published"] >= result["sent"]
    assert result["latency_ms"]["p50"] <= result["latency_ms"]["p99"] <= result["latency_ms"]["max"]
    assert result["happened"]["outage"] > 0
    assert result["coverage"]["made"] == result["coverage"]["accepted"] >= 6, (
        "most clocks are right, and every ride ends"
    )
    with closing(sqlite3.connect(tmp_path / "server" / "db.sqlite3")) as db:
        assert db.execute("SELECT COUNT(*) FROM coverage_cell WHERE origin = 'demo'").fetchone()[0] > 50
    assert (tmp_path / "SIM-0001" / "outbox.sqlite3").exists()


@pytest.mark.process
def test_a_fleet_without_a_broker_says_that_nothing_was_answered(tmp_path: Path) -> None:
    (tmp_path / "fleet").write_text('{"password": "x", "names": ["SIM-0001"]}')
    done = simulate("--vehicles", "1", "--real", "0", "--minutes", "0.05", "--rate", "60", "--drain", "1", "--broker", "127.0.0.1:1",
                    "--fleet", str(tmp_path / "fleet"), "--data", str(tmp_path / "d"), "--json")  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["acknowledged"] == 0
    assert "never answered" in done.stderr

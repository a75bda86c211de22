"""The heartbeat: each trouble has its word, nothing says where the vehicle is, and it stays under 4 KiB whatever happens."""

from __future__ import annotations

import dataclasses
import json
import re
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from calibration.files import MalformedCameraFile
from edge import watching
from edge.clock import ClockWatch, seen_at
from edge.health import (
    HOT_C,
    LOOK_S,
    Machine,
    Reporter,
    compose,
    encode_health,
    runs_of,
    temperatures_c,
)
from edge.outbox import Evicted, Outbox, OutboxFull
from edge.part import WatchPart, read_part, write_part
from edge.pipeline import Counts
from edge.prometheus import serve, text_of
from edge.settings import Gate, Settings
from edge.values import Frame
from edge.watching import (
    BLOCKED_S,
    FROZEN_S,
    GONE_S,
    LOOKS,
    STILL,
    Blocked,
    PictureWatch,
    Rates,
    Watching,
    starts,
    wishes_of,
)
from models.contract import MAX_HEALTH_BYTES, Health, OutboxHealth, PackName, decode
from models.pixels import decode_jpeg
from models.redaction import RedactionUnavailable
from models.troubles import TROUBLES

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
HERE = Machine(seen_at(NOW, "ntp", 1.0), UUID(int=5), 1000.0, {"cpu": 50.0}, 0.8, 10**10, 10**11)
EMPTY = OutboxHealth(id=UUID(int=2), committed=0, waiting=0, aside=0)
SETTINGS = Settings.model_validate({"vehicle": {"name": "TY-01"}})
FrameAt = Callable[..., Frame]


def composed(watch: WatchPart | None = None, age_s: float | None = 1.0, outbox: OutboxHealth = EMPTY, here: Machine = HERE, **more: Any) -> Health:  # fmt: skip
    return compose(SETTINGS, watch, age_s if watch else None, outbox, here, {"sent": 3}, **more)


# What the camera's pictures tell


def looks(frames: list[Frame | None], step_s: float = 1.0) -> tuple[list[list[str]], PictureWatch]:
    watch = PictureWatch(Gate())
    return [watch.see(frame, 100 + number * step_s) for number, frame in enumerate(frames)], watch


def test_pictures_that_change_and_are_sharp_are_no_trouble(frame_at: FrameAt) -> None:
    found, watch = looks([frame_at(n, 0.0) for n in range(LOOKS + 5)])
    assert not any(found)
    assert watch.picture is not None
    assert watch.picture.sharpness > Gate().sharpest_blur


def test_a_camera_that_stops_is_gone_and_one_that_repeats_itself_is_frozen(frame_at: FrameAt) -> None:
    alive = [frame_at(n, 0.0) for n in range(3)]
    found, watch = looks([*alive, *[alive[-1]] * int(GONE_S + 2)])
    assert found[-1] == ["camera_gone"]
    assert found[3] == []
    assert watch.faults == {"camera_gone": 1}
    assert looks([None])[0] == [["camera_gone"]]
    same = [dataclasses.replace(alive[0], number=n) for n in range(int(FROZEN_S) + 2)]
    found, watch = looks([*same, frame_at(99, 0.0)])
    assert found[-2] == ["camera_frozen"]
    assert found[-1] == []
    assert watch.faults == {"camera_frozen": 1}


@pytest.mark.parametrize(
    ("picture", "word"),
    [
        (np.full((540, 960, 3), 5, np.uint8), "too_dark"),
        (np.full((540, 960, 3), 255, np.uint8), "too_bright"),
        (np.full((540, 960, 3), 120, np.uint8), "lens_blurred"),
    ],
)
def test_a_picture_is_called_bad_when_every_look_was(frame_at: FrameAt, picture: np.ndarray, word: str) -> None:
    def bad(number: int) -> Frame:
        changing = picture.copy()
        changing[0, 0, 0] ^= number % 2
        return frame_at(number, 0.0, image=changing)

    found, _ = looks([bad(n) for n in range(LOOKS)])
    assert found[-1] == [word]
    assert word in TROUBLES
    assert not any(found[:-1])
    once_good, _ = looks([*[bad(n) for n in range(LOOKS - 1)], frame_at(LOOKS, 0.0)])
    assert not once_good[-1]


def test_a_lens_is_called_covered_when_for_half_a_minute_it_alone_kept_the_gate_shut() -> None:
    blocked = Blocked()
    assert not blocked.see(0, 10, 100.0)
    assert not blocked.see(0, 10, 200.0), "a vehicle that stands is not covered"
    assert not blocked.see(1, 11, 201.0)
    assert not blocked.see(40, 11, 201.0 + BLOCKED_S)
    assert blocked.see(41, 11, 202.0 + BLOCKED_S)
    assert not blocked.see(41, 12, 203.0 + BLOCKED_S), "it looked again"
    assert "lens_blocked" in TROUBLES


# Clocks


def test_a_clock_that_goes_back_or_was_never_set_is_counted_once_each() -> None:
    clock = ClockWatch()
    for at, monotonic_s in ((NOW, 1.0), (NOW + timedelta(seconds=1), 2.0)):
        clock.see(at, monotonic_s)
    assert +clock.faults == {}
    clock.see(NOW - timedelta(hours=3), 3.0)
    assert clock.back_at_s == 3.0
    clock.see(NOW, 4.0)
    clock.see(datetime(1970, 1, 1, tzinfo=UTC), 5.0)
    clock.see(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 6.0)
    assert +clock.faults == {"clock_back": 2, "clock_forward": 1, "clock_unset": 1}


# The heartbeat


def test_every_trouble_a_watch_can_end_with_is_in_the_table() -> None:
    assert {key for _, key in watching.ENDS} <= set(TROUBLES)
    assert watching.trouble_for(ValueError()) is None
    assert watching.trouble_for(OutboxFull()) == "disk_full"
    assert watching.trouble_for(RedactionUnavailable()) == "redaction_missing"


@pytest.mark.parametrize(
    ("word", "given"),
    [
        ("disk_full", {"here": dataclasses.replace(HERE, disk_free_bytes=1)}),
        ("hot", {"here": dataclasses.replace(HERE, temperatures_c={"cpu": HOT_C, "gpu": 20.0})}),
        ("backlog", {"outbox": EMPTY.model_copy(update={"oldest_s": 7200.0})}),
        ("refused", {"outbox": EMPTY.model_copy(update={"aside": 1})}),
        ("evicting", {"evicting": True}),
        ("card_failing", {"outbox": EMPTY.model_copy(update={"unreadable_count": 1})}),
        ("desired_refused", {"refused": "bad_signature"}),
        ("watch_silent", {"age_s": 31.0}),
        ("camera_gone", {"watch": WatchPart(troubles=("camera_gone",))}),
        ("redaction_missing", {"watch": WatchPart(ended="redaction_missing")}),
    ],
)
def test_each_trouble_has_its_word(word: str, given: dict[str, Any]) -> None:
    assert composed(**{"watch": WatchPart(), **given}).troubles == (word,)
    assert word in TROUBLES


def test_without_a_watch_nothing_is_said_of_camera_and_fix() -> None:
    health = composed(None)
    assert health.troubles == ("watch_silent",)
    assert (health.watch_age_s, health.fix, health.pack) == (None, None, None)
    old = composed(WatchPart(troubles=("no_fix",), faults={"camera_gone": 2}), age_s=60.0)
    assert old.troubles == ("watch_silent",)
    assert old.faults == {"camera_gone": 2}


def test_a_replayed_ride_has_no_watch_and_misses_none() -> None:
    demo = SETTINGS.model_copy(update={"origin": "demo"})
    assert compose(demo, None, None, EMPTY, HERE, {}).troubles == ()
    assert compose(demo, WatchPart(), 99.0, EMPTY, HERE, {}).troubles == ("watch_silent",)


def test_worst_trouble_comes_first() -> None:
    health = composed(WatchPart(troubles=("too_dark", "no_fix", "camera_gone")), outbox=EMPTY.model_copy(update={"oldest_s": 9e3}))  # fmt: skip
    assert health.troubles == ("camera_gone", "no_fix", "backlog", "too_dark")


def test_no_field_says_where_the_vehicle_is() -> None:
    assert not re.search(r"lat|lon_|place|bearing|heading", json.dumps(list(_names(Health.model_json_schema()))))


def _names(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = list(schema.get("properties", {}))
        return own + [name for each in schema.values() for name in _names(each)]
    return []


def test_the_heartbeat_stays_under_its_limit_whatever_is_counted() -> None:
    many = {f"a_reason_of_a_rather_long_name_{n}": 10**9 for n in range(60)}
    runs = runs_of([Evicted(10**6 + 2 * n, None) for n in range(999)])
    assert len(runs) == 64
    health = composed(WatchPart(gate=many, faults=many), outbox=EMPTY.model_copy(update={"evicted": runs, "unreadable": runs}))  # fmt: skip
    data = encode_health(health)
    assert len(data) <= MAX_HEALTH_BYTES
    assert decode(Health, data).troubles == health.troubles
    few = encode_health(composed(WatchPart(gate={"dark": 1}), outbox=EMPTY.model_copy(update={"evicted": runs})))
    outbox = decode(Health, few).outbox
    assert outbox is not None
    assert outbox.evicted == runs, "what fits is named"


def test_what_was_evicted_is_named_in_runs_newest_first() -> None:
    assert runs_of([Evicted(n, uuid4()) for n in (1, 2, 3, 7, 9, 10)]) == ((9, 10), (7, 7), (1, 3))


# When it is due


def test_it_is_due_each_minute_at_once_when_a_word_changes_and_after_a_new_connection(outbox: Outbox) -> None:
    folder, reporter = outbox.path.parent, Reporter(SETTINGS, outbox)
    write_part(folder, WatchPart())
    clock_s = time.monotonic()

    def beats(now_s: float) -> bool:
        reporter.look({}, now_s)
        is_due = reporter.due(now_s) is not None
        if is_due:
            reporter.was_sent(now_s)
        return is_due

    assert beats(clock_s)
    assert not beats(clock_s + LOOK_S + 1)
    assert not beats(clock_s + 4 * LOOK_S)
    write_part(folder, WatchPart(troubles=("camera_gone",)))
    assert beats(clock_s + 5 * LOOK_S)
    write_part(folder, WatchPart())
    assert not beats(clock_s + 6 * LOOK_S), "a word that comes and goes is not told each time"
    reporter.begin_again()
    assert beats(clock_s + 6 * LOOK_S + 1)
    assert beats(clock_s + 6 * LOOK_S + 62), "the watch has not been heard for a minute, and the minute is over"


def test_a_file_of_before_the_last_start_has_no_age_and_a_torn_one_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    write_part(tmp_path, WatchPart(pack=PackName(name="street", digest="b" * 64)))
    part = read_part(tmp_path, WatchPart)
    assert part is not None
    assert part.age_s(part.monotonic_s + 2) == 2
    monkeypatch.setattr("edge.part.BOOT", tmp_path / "none")
    assert part.age_s(part.monotonic_s + 2) is None
    (tmp_path / "watch.json").write_bytes(b'{"boot": "')
    assert read_part(tmp_path, WatchPart) is None
    assert [each.name for each in tmp_path.iterdir()] == ["watch.json"]


def test_starts_of_the_last_half_hour_are_remembered(tmp_path: Path) -> None:
    write_part(tmp_path, WatchPart(starts_s=(1.0, 2.0)))
    before = read_part(tmp_path, WatchPart)
    assert starts(before, 100.0) == (1.0, 2.0, 100.0)
    assert starts(before, 1801.5) == (2.0, 1801.5)
    assert starts(None, 5.0) == (5.0,)


def test_a_watch_that_starts_again_still_suffers_from_what_it_ended_with_until_it_is_ready(tmp_path: Path) -> None:
    settings = Settings.model_validate({"vehicle": {"name": "TY-01", "data": tmp_path}})
    write_part(tmp_path, WatchPart(ended="redaction_missing"))
    camera = SimpleNamespace(newest=None, faults=Counter(), trouble="")
    receiver = SimpleNamespace(fix_now=lambda: None, newest=lambda: None, faults=Counter(), bad_sentences=0, trouble="", kind="")  # fmt: skip
    again = Watching(settings, camera, receiver, 0)  # type: ignore[arg-type]
    assert again._part(1.0).ended == "redaction_missing"
    ready = {"gate": SimpleNamespace(reasons={}), "counts": Counts(), "calibration_digest": "0" * 64, "redactor": SimpleNamespace(digest="0" * 64), "not_covered": {}, "bracket": SimpleNamespace(moved="", faults={})}  # fmt: skip
    again.vehicle = SimpleNamespace(detector=SimpleNamespace(pack=SimpleNamespace(name="p", digest="0" * 64)), **ready)  # type: ignore[assignment]
    ready_part = again._part(2.0)
    assert (ready_part.ended, ready_part.calibration_alarm, "not_straight" in ready_part.troubles) == (
        None,
        None,
        False,
    )
    again.vehicle.bracket = SimpleNamespace(moved="looks_left", faults=Counter({"not_straight": 1}))  # type: ignore[union-attr, assignment]
    moved = again._part(3.0)
    assert (moved.calibration_alarm, moved.faults["not_straight"], "not_straight" in moved.troubles) == ("looks_left", 1, True)  # fmt: skip


def test_a_watch_that_ends_before_it_could_look_tells_why_however_often(tmp_path: Path) -> None:
    settings = Settings.model_validate({"vehicle": {"name": "TY-01", "data": tmp_path}})
    for _ in range(watching.MANY_STARTS + 1):
        watching.tell_end(settings, MalformedCameraFile("camera.toml: No such file or directory"))
    part = read_part(tmp_path, WatchPart)
    assert part is not None
    assert len(part.starts_s) == watching.MANY_STARTS + 1
    assert composed(part).troubles == ("settings_bad",), "and not weak power"


@pytest.mark.parametrize(("wrong", "left"), [(None, 1), (OutboxFull(), 2)])
def test_a_watch_that_ends_because_it_was_asked_to_is_not_counted(
    tmp_path: Path, wrong: Exception | None, left: int
) -> None:
    settings = Settings.model_validate({"vehicle": {"name": "TY-01", "data": tmp_path}})
    write_part(tmp_path, WatchPart(starts_s=(time.monotonic() - 5,)))
    camera = SimpleNamespace(newest=None, faults=Counter(), trouble="", stop=lambda: None)
    receiver = SimpleNamespace(fix_now=lambda: None, newest=lambda: None, faults=Counter(), bad_sentences=0, trouble="", kind="")  # fmt: skip
    with suppress(OutboxFull), Watching(settings, camera, receiver, wishes_of(tmp_path)):  # type: ignore[arg-type]
        if wrong is not None:
            raise wrong
    part = read_part(tmp_path, WatchPart)
    assert part is not None
    assert len(part.starts_s) == left


def test_a_heartbeat_says_how_far_apart_looks_are_and_why_while_somebody_looks() -> None:
    hot = WatchPart(stretch=2.004, stretched_by="heat")
    health = composed(hot)
    assert (health.look_stretch, health.look_stretched_by, health.battery_share) == (2.0, "heat", 0.8)
    assert decode(Health, encode_health(health)) == health
    silent = composed(hot, age_s=99.0)
    assert (silent.look_stretch, silent.look_stretched_by) == (None, None)


def test_rates_are_those_of_the_last_minute() -> None:
    rates = Rates()
    assert rates.see({"frames": 0}, 0.0) == {}
    assert rates.see({"frames": 100}, 10.0) == {"frames": 10.0}
    for second in range(11, 200):
        last = rates.see({"frames": 100}, float(second))
    assert last == {"frames": 0.0}


def test_thermal_zones_are_read_and_odd_ones_passed_over(tmp_path: Path) -> None:
    for number, (kind, temp) in enumerate((("cpu-thermal", "61500"), ("x86", "n/a"), ("gpu", "999000"))):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "type").write_text(kind + "\n")
        (zone / "temp").write_text(temp + "\n")
    assert temperatures_c(tmp_path) == {"cpu_thermal": 61.5}


# Prometheus


def test_prometheus_reads_the_last_heartbeat_on_the_loopback() -> None:
    health = composed(WatchPart(gate={"dark": 2}, troubles=("no_fix",)))
    server = serve(0, lambda: health)
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        text = urllib.request.urlopen(f"{address}/metrics", timeout=5).read().decode()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}/other", timeout=5)
    finally:
        server.shutdown()
        server.server_close()
    assert server.server_address[0] == "127.0.0.1"
    line = re.compile(r'# TYPE \w+ (gauge|counter)|\w+(\{(\w+="[^"]*",?)+\})? [-+.e\d]+')
    assert all(line.fullmatch(each) for each in text.splitlines())
    assert 'trikeye_trouble{trouble="no_fix"} 1' in text
    assert 'trikeye_trouble{trouble="camera_gone"} 0' in text
    assert 'trikeye_gate_closed_total{reason="dark"} 2' in text
    assert text_of(None) == "# TYPE trikeye_up gauge\ntrikeye_up 0\n"


def test_a_still_is_what_the_redaction_made_and_only_when_it_was_asked_for(
    tmp_path: Path, frame_at: FrameAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unredacted pixels of a live camera never touch the disk."""
    settings = Settings.model_validate({"vehicle": {"name": "TY-01", "data": tmp_path}})
    flat = np.full((540, 960, 3), 77, np.uint8)
    watching_it = Watching(settings, SimpleNamespace(newest=None), SimpleNamespace(), 0)  # type: ignore[arg-type]
    watching_it.vehicle = SimpleNamespace(
        redactor=SimpleNamespace(redact=lambda image: SimpleNamespace(image=flat)), detector=None
    )  # type: ignore[assignment]
    frames = [frame_at(n, 0.0) for n in range(2)]
    assert list(watching_it.stills(iter(frames))) == frames
    assert not (tmp_path / STILL).exists()
    watching_it._still_wanted = True
    assert list(watching_it.stills(iter(frames))) == frames
    shown = decode_jpeg((tmp_path / STILL).read_bytes())
    assert np.ptp(shown) <= 2, "the flat picture, none of the camera's noise"

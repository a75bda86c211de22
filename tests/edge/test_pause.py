"""A pause ends when it should by whichever clock can tell, outlives a restart, and is not lifted by a damaged file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

import trikeye
from edge.pause import PAUSE, Now, Pause, asked, begin, end, forget_spent, is_paused, left_s

BEGAN = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
TWO_HOURS = Pause(boot="a", monotonic_s=100.0, utc=BEGAN, is_trusted=True, for_s=7200.0)


def now(boot: str, monotonic_s: float, hours: float = 0.0, is_trusted: bool = True) -> Now:
    return Now(boot, monotonic_s, BEGAN + timedelta(hours=hours), is_trusted)


@pytest.mark.parametrize(("at", "left"), [
    (now("a", 100.0), 7200.0), (now("a", 7299.0, hours=99), 1.0), (now("a", 7300.0, hours=-99), 0.0),  # somebody set the clock: no matter
    (now("b", 60.0, hours=1.5), 1800.0), (now("b", 60.0, hours=3), 0.0), (now("b", 60.0, hours=-5), 7200.0),  # restarted, and it knows the time
    (now("b", 60.0, hours=99, is_trusted=False), 7140.0), (now("b", 7200.0, is_trusted=False), 0.0),  # restarted, and it does not
])  # fmt: skip
def test_it_lasts_by_the_clock_that_only_counts_and_after_a_restart_by_one_that_can_be_trusted(at: Now, left: float) -> None:  # fmt: skip
    assert left_s(TWO_HOURS, at) == left


def test_a_pause_that_began_by_a_clock_nobody_trusts_lasts_from_the_restart() -> None:
    untrusted = TWO_HOURS.model_copy(update={"is_trusted": False})
    assert left_s(untrusted, now("b", 600.0, hours=99)) == 6600.0


def test_without_an_end_it_lasts_until_somebody_resumes(tmp_path: Path) -> None:
    begin(tmp_path, None, now("a", 5.0))
    assert is_paused(tmp_path, False, now("b", 1e8, hours=10_000))
    end(tmp_path)
    end(tmp_path)
    assert not is_paused(tmp_path, False, now("b", 1e8))


def test_one_that_is_over_is_forgotten_lest_it_begins_anew_after_a_power_cut(tmp_path: Path) -> None:
    begin(tmp_path, 7200.0, now("a", 5.0))
    forget_spent(tmp_path, now("a", 7204.0))
    assert is_paused(tmp_path, False, now("a", 7204.0))
    forget_spent(tmp_path, now("a", 7205.0))
    assert not is_paused(tmp_path, False, now("b", 5.0, is_trusted=False))
    begin(tmp_path, None, now("a", 5.0))
    forget_spent(tmp_path, now("b", 1e8))
    assert is_paused(tmp_path, False, now("b", 1e8))


def test_what_the_settings_want_holds_without_a_file(tmp_path: Path) -> None:
    assert is_paused(tmp_path, True, now("a", 5.0))
    assert not is_paused(tmp_path, False, now("a", 5.0))


@pytest.mark.parametrize("content", [b"", b"{", b'{"for_s": -1}', b'{"for_s": 1e12}', b"\xff", b"[" * 10_000])
def test_a_damaged_file_is_a_pause_until_somebody_resumes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PAUSE).write_bytes(content)
    assert asked(tmp_path) == Pause()
    assert is_paused(tmp_path, False, now("a", 1e8))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edge.toml"
    path.write_text(f'[vehicle]\nname = "TY-09"\ndata = "{tmp_path / "data"}"\n')
    return path


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_the_verb_pauses_says_so_and_resumes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb = ["edge", "pause", "--json", "--config", str(config)]
    assert trikeye.main([*verb, "--status"]) == 0
    assert said(capsys) == {"paused": False, "by_settings": False, "left_s": None}
    assert trikeye.main([*verb, "--for", "2h"]) == 0
    told = said(capsys)
    assert told["paused"]
    assert told["left_s"] == pytest.approx(7200, abs=60)
    assert trikeye.main(verb) == 0
    assert said(capsys) == {"paused": True, "by_settings": False, "left_s": None}
    assert trikeye.main([*verb, "--resume"]) == 0
    assert said(capsys)["paused"] is False


@pytest.mark.parametrize(
    ("time", "words"),
    [("5m", "until 23:55 (Asia/Tokyo), 5 min more"), ("90m", "until 2026-11-03 01:20 (Asia/Tokyo), 1 h 30 min more"), ("2d", "until 2026-11-04 23:50 (Asia/Tokyo), 2 d more")],
)  # fmt: skip
def test_it_says_until_when_by_the_vehicles_clock(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], time: str, words: str
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls(2026, 11, 2, 14, 50, tzinfo=UTC).astimezone(tz)

    config.write_text(config.read_text() + 'time_zone = "Asia/Tokyo"\n')
    monkeypatch.setattr("edge.command_pause.datetime", Clock)
    assert trikeye.main(["edge", "pause", "--for", time, "--config", str(config)]) == 0
    assert words in capsys.readouterr().out


def test_from_another_folder_it_pauses_the_same_vehicle_and_names_its_folder(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('[vehicle]\ndata = "mine"\n')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert trikeye.main(["edge", "pause", "--config", "../edge.toml"]) == 0
    assert f"data: {tmp_path / 'mine'}" in capsys.readouterr().out
    assert (tmp_path / "mine" / PAUSE).exists()
    assert not list(Path().iterdir())


def test_what_the_server_paused_is_not_resumed_on_the_vehicle_and_it_says_who_can(config: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    config.write_text(config.read_text() + "[gate]\npaused = true\n")
    assert trikeye.main(["edge", "pause", "--resume", "--config", str(config)]) == 1
    assert "trikeye server vehicle desire TY-09 --unset gate.paused" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["2", "2 weeks", "-1h", "0m", "59s", "31d", "1e3s", "h"])
def test_a_time_that_is_none_is_wrong_usage(config: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        trikeye.main(["edge", "pause", f"--for={text}", "--config", str(config)])
    assert left.value.code == 2
    assert "30m, 2h or 1d" in capsys.readouterr().err
    assert not (config.parent / "data").exists()


def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(config: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    (config.parent / "data").write_text("a file")
    assert trikeye.main(["edge", "pause", "--config", str(config)]) == 1
    err = capsys.readouterr().err
    assert "the user that watches" in err
    assert "Errno" not in err

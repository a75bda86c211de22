"""Looking into an outbox: everything is shown, nothing is touched, and whoever is at work is not held up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import trikeye
from edge.command_outbox import WORDS
from edge.outbox import Outbox

SightingOf = Callable[..., Any]


@pytest.fixture
def box(tmp_path: Path, sighting_of: SightingOf) -> Outbox:
    """One of each: settled, refused, evicted, waiting, urgent."""
    box = Outbox(tmp_path / "outbox.sqlite3", cap_bytes=1)
    for number in (1, 2):
        box.put(UUID(int=number), sighting_of(UUID(int=number)))
    box.settle(UUID(int=1), "accepted", 1.0)
    box.put(UUID(int=3), sighting_of(UUID(int=3), 0.1, filling=150_000))
    box.put(UUID(int=4), sighting_of(UUID(int=4), 0.9, category="road_collapse", filling=100_000))
    box.set_aside(UUID(int=2), "id_conflict")
    box.put(UUID(int=5), sighting_of(UUID(int=5), 0.8, filling=20_000))
    box.put(UUID(int=6), sighting_of(UUID(int=6), 0.8))
    box.set_aside(UUID(int=6), "unknown_category")
    return box


def look(box: Outbox, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, dict[str, Any]]:
    assert trikeye.main(["edge", "outbox", *words, "--data", str(box.path.parent), "--json"]) == 0
    out = capsys.readouterr().out
    return out, json.loads(out.splitlines()[-1])


def test_the_numbers_are_those_of_the_outbox_and_the_lost_are_named(
    box: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = look(box, capsys)
    assert {name: found[name] for name in box.counts()} == box.counts()
    assert found["urgent"] == 1
    assert [each["id"] for each in found["evicted_newest"]] == [str(each.id) for each in reversed(box.evicted())]
    assert found["waiting_by_category"] == {"road_collapse": 1, "road_damage": 1}
    assert found["bytes"] == sum(n for (n,) in sqlite3.connect(box.path).execute("SELECT LENGTH(body) FROM message"))


def test_the_help_says_what_each_word_means_and_no_other(box: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = look(box, capsys)
    plain = {"outbox", "oldest_seen", "newest_seen", "waiting_by_category", "evicted_newest", "unreadable_newest"}
    assert {name.replace("_", " ") for name in found.keys() - plain} == set(WORDS)
    with pytest.raises(SystemExit):
        trikeye.main(["edge", "outbox", "--help"])
    lines = capsys.readouterr().out.splitlines()
    for word, meaning in WORDS.items():
        assert f"  {word:<18}{meaning}" in lines


def test_the_list_shows_lane_size_and_why_something_was_set_aside(
    box: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    out, found = look(box, capsys, "list")
    assert [each["sequence"] for each in found["messages"]] == [6, 5, 4]
    assert "set aside: unknown_category" in out
    assert " urgent" in out
    assert len(look(box, capsys, "list", "--limit", "1")[1]["messages"]) == 1


@pytest.mark.parametrize(("wanted", "state"), [("5", "waiting"), (str(UUID(int=6)), "aside"), ("1", "settled"), (str(UUID(int=3)), "evicted")])  # fmt: skip
def test_one_message_is_found_wherever_it_is(
    box: Outbox, capsys: pytest.CaptureFixture[str], wanted: str, state: str
) -> None:
    _, found = look(box, capsys, "show", wanted)
    assert found["state"] == state
    if state == "waiting":
        assert found["message"]["category"] == "road_damage"
        assert found["message"]["pictures"][0]["bytes"] > 20_000, "a picture's size, not its bytes"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show",), 2, "takes an id"),
        (("list", "5"), 2, "takes an id"),
        (("show", "99"), 1, "never in this outbox"),
        (("show", "nonsense"), 1, "neither an id nor a sequence"),
    ],
)
def test_a_wrong_question_is_answered_in_words(
    box: Outbox, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert trikeye.main(["edge", "outbox", *words, "--data", str(box.path.parent)]) == code
    assert said in capsys.readouterr().err


def test_a_folder_without_an_outbox_stays_without_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trikeye.main(["edge", "outbox", "--data", str(tmp_path)]) == 1
    assert "--data names" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_told_and_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "outbox.sqlite3").write_bytes(b"not a database at all" * 300)
    assert trikeye.main(["edge", "outbox", "--data", str(tmp_path)]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["outbox.sqlite3"]


def test_an_older_file_is_not_brought_up_to_date_by_looking(box: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    box.close()
    db = sqlite3.connect(box.path)
    db.execute("PRAGMA user_version=2")
    db.close()
    assert trikeye.main(["edge", "outbox", "--data", str(box.path.parent)]) == 1
    assert "version 2" in capsys.readouterr().err
    assert sqlite3.connect(box.path).execute("PRAGMA user_version").fetchone() == (2,)


def test_looking_waits_for_nobody_and_holds_nobody_up(
    box: Outbox, capsys: pytest.CaptureFixture[str], sighting_of: SightingOf
) -> None:
    from edge.command_outbox import open_to_look

    writer = sqlite3.connect(box.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert look(box, capsys)[1]["committed"] == 6
    writer.execute("ROLLBACK")
    reader = open_to_look(box.path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM message").fetchone()
    assert box.put(UUID(int=7), sighting_of(UUID(int=7)))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM message")
    reader.close()

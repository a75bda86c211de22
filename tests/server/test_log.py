"""Lines of the log: one id from intake to the city, the same keys everywhere, as text or as JSON."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from paho.mqtt.client import MQTTMessage
from sightings import NOW, message

from models.contract import encode, topic
from server.cases.models import Case
from server.city.models import Destination, Handover
from server.city.reports import take_status
from server.city.services import add_destination, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.command_trace import run as trace
from server.intake.mqtt import Intake
from server.log import Json, Logfmt, WithNumber, tell, warn
from server.review.services import decide, undo
from server.screening.services import screen_new


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What the log is told meanwhile, as its JSON has it."""
    found: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(Json().format(record)))

    handler, deeds = Kept(), logging.getLogger("trikeye.deeds")
    handler.addFilter(WithNumber())
    logging.getLogger("trikeye").addHandler(handler)
    level = deeds.level
    deeds.setLevel(logging.INFO)
    yield found
    logging.getLogger("trikeye").removeHandler(handler)
    deeds.setLevel(level)


def written(formatter: logging.Formatter, event: str, **told: Any) -> str:
    record = logging.getLogger("trikeye.x").makeRecord("trikeye.x", logging.INFO, "f", 1, "%s", (event,), None, extra={"told": {**told, "event": event}})  # fmt: skip
    return formatter.format(record)


def arrived(**changes: Any) -> Any:
    """A sighting that came by the broker's way."""
    sighting = message(**changes)
    sent = MQTTMessage(mid=1, topic=topic(sighting.vehicle, "sighting").encode())
    sent.payload = encode(sighting)
    Intake("127.0.0.1", 1, "intake", "")._take(MagicMock(), "sighting", [sent])
    return sighting


def test_a_line_is_read_by_machines_and_grep() -> None:
    line = written(Logfmt(), "sighting_accepted", sighting="0192", case=7, reason="", words='a "quoted" word', late=True)  # fmt: skip
    at, _, rest = line.partition(" ")
    assert datetime.fromisoformat(at.removeprefix("at=")).tzinfo is not None
    assert rest == 'level=info log=trikeye.x event=sighting_accepted sighting=0192 case=7 words="a \\"quoted\\" word" late=true'  # fmt: skip
    told = json.loads(written(Json(), "x", case=7, words="two\nlines"))
    assert (told["event"], told["case"], told["words"]) == ("x", 7, "two\nlines")
    assert "\n" not in written(Logfmt(), "x", words="two\nlines")


def test_no_word_of_a_deed_can_break_a_line(lines: list[dict[str, Any]]) -> None:
    told = {"event": "y", "log": "z", "level": "w", "case": 3}
    tell(logging.getLogger("trikeye.deeds"), "x", **told)
    warn(logging.getLogger("trikeye.deeds"), "x", **told)
    assert [(line["event"], line["case"]) for line in lines] == [("x", 3)] * 2


def test_a_fault_carries_its_traceback_and_its_request() -> None:
    try:
        raise ValueError("what")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "failed: %s", ("so",), sys.exc_info())
    record.number = "abcd"
    assert json.loads(Json().format(record))["traceback"].endswith("ValueError: what")
    assert ' request=abcd msg="failed: so"\nTraceback' in Logfmt().format(record)


@pytest.mark.django_db(transaction=True)
def test_one_id_finds_a_sighting_and_its_case_from_intake_to_the_city(
    vehicle: Any, reviewer: Any, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, lines: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    settings.GRACE_S = 0
    sighting = arrived()
    arrived(east_m=200.0, seed=2)
    case = Case.objects.order_by("id")[0]
    screen_new(NOW)
    client.force_login(reviewer)
    client.post("/review/lease")
    decide(reviewer, uuid4(), case.pk, "reject", timezone.now(), reason=9, words="Zhang Wei of 3rd floor said so")
    undo(reviewer, timezone.now())
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    destination, _ = add_destination(case.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    for answer in (Answer(False, error="no route"), Answer(True, "CG-1")):
        monkeypatch.setattr("server.city.services.send", lambda *_, answer=answer: answer)
        prepare_handovers(timezone.now())
        send_due(timezone.now() + timedelta(hours=1))
        Handover.objects.update(next_try_at=NOW)
    assert take_status(Destination.objects.get(), "w1", {"type": "case.status", "data": {"case_number": case.number, "status": "fixed"}}, timezone.now())  # fmt: skip

    (first,) = (line for line in lines if line.get("sighting") == str(sighting.id))
    assert (first["event"], first["case"], first["vehicle"]) == ("sighting_accepted", case.pk, "TY-01")
    of_case = [line["event"] for line in lines if str(line.get("case")) == str(case.pk)]
    order = ["sighting_accepted", "case_moved", "card_leased", "verdict", "undo", "verdict", "handover_made", "handover_failed", "handover_receipted", "handover_delivered", "city_status"]  # fmt: skip
    rest = iter(of_case)
    assert all(event in rest for event in order), of_case
    assert {line.get("destination") for line in lines if line["event"] == "handover_failed"} == {destination.name}
    assert all(line["request"] for line in lines if line["event"] == "card_leased")
    assert "Zhang" not in json.dumps(lines)

    # The same ids tell the story out of the database.
    for named in (str(sighting.id), f"sighting={sighting.id}", str(case.number), f"case={case.pk}"):
        capsys.readouterr()
        assert trace(MagicMock(id=named, city=None, json=True)) == 0
        steps = json.loads(capsys.readouterr().out)["steps"]
        events = iter([step["event"] for step in steps])
        wanted = ["sighting_seen", "sighting_received", "case_opened", "verdict", "verdict_taken_back", "verdict", "handover_made", "handover_receipted", "city_status"]  # fmt: skip
        assert all(event in events for event in wanted), [step["event"] for step in steps]
        assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
        assert {step["case"] for step in steps if "case" in step} == {case.pk}


@pytest.mark.django_db(transaction=True)
def test_a_refused_sighting_is_told_with_its_reason_in_the_log_and_by_trace(lines: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    sighting = arrived()
    (line,) = (line for line in lines if line.get("sighting") == str(sighting.id))
    assert (line["event"], "unknown_vehicle" in line["reason"]) == ("sighting_refused", True)
    assert trace(MagicMock(id=str(sighting.id), city=None, json=False)) == 0
    assert "sighting_refused" in capsys.readouterr().out
    for nothing in (str(uuid4()), "17", "case=99999999999", "²", "nonsense"):
        assert trace(MagicMock(id=nothing, city=None, json=False)) == 1
        assert f"nothing of {nothing} is here" in capsys.readouterr().err


@pytest.mark.process
@pytest.mark.parametrize(("kind", "first"), [("json", '{"at": '), ("text", "at=")])
def test_the_environment_says_how_lines_are_written(tmp_path: Path, kind: str, first: str) -> None:
    code = "from server.start import start; start(); import logging; from server.log import tell; tell(logging.getLogger('trikeye.intake'), 'intake_connected', case=7)"
    env = {**os.environ, "TRIKEYE_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "server.settings", "TRIKEYE_LOG": kind}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True)
    (line,) = done.stderr.splitlines()
    assert line.startswith(first)
    assert "intake_connected" in line

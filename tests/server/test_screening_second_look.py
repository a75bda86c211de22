"""Screening with a network: the shipped packs look at frames of the drawn ride, at things that are there and at places where nothing is."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from sightings import NOW, described, jpeg

from models.films import frames
from models.packs import SHIPPED
from models.pixels import Image, encode_jpeg
from models.runtime import Detector
from server import pictures
from server.accounts.models import User
from server.cases.models import Case
from server.cases.rules import State
from server.quality.models import DayFigure
from server.screening import second_look as module
from server.screening.records import at_place, base_share, forget, of_vehicle
from server.screening.rules import HOPELESS, Record
from server.screening.second_look import AGAIN_S, SecondLook, second_look, trouble
from server.screening.services import look_at, screen_new

pytestmark = pytest.mark.django_db
SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "ride" / "sample"
CATEGORY = "overflowing_bin"
NOTHING = [380.0, 430.0, 560.0, 520.0]
"""The bare road before the vehicle."""


@pytest.fixture(scope="module")
def drawn() -> tuple[Image, list[float]]:
    """A frame of the sample ride with a full bin near by, and where it is."""
    truth = json.loads((SAMPLE / "truth.json").read_text())
    views = [view for thing in truth["problems"] if thing["category"] == CATEGORY for view in thing["views"]]
    number, x1, y1, x2, y2, *_ = next(view for view in views if view[5] > 0.95 and 6 < view[6] < 9)
    image = next(islice(frames(SAMPLE / "video.mp4"), number, None))
    return image, [float(x1), float(y1), float(x2), float(y2)]


@pytest.fixture(autouse=True)
def looks_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The shipped screening pack; what it says to other processes lies in the test's own folder."""
    monkeypatch.setattr(settings, "SCREENING_PACK", "screening")
    monkeypatch.setattr(settings, "BLIND_SHARE", 0.0)
    monkeypatch.setattr(settings, "DATA", tmp_path)
    monkeypatch.setattr(module, "_look", SecondLook("none"))
    yield
    forget()


def shown(image: Image, box: list[float], role: str = "best") -> dict[str, Any]:
    return described(encode_jpeg(image), role=role, box=tuple(box))


def screened(send: Any, *shown_: dict[str, Any], probability: float = 0.6, **changes: Any) -> Case:
    send(pictures=list(shown_), category=changes.pop("category", CATEGORY), probability=probability, outbox=uuid4(), **changes)  # fmt: skip
    screen_new(NOW)
    return Case.objects.order_by("-id")[0]


def test_what_is_there_is_seen_again_and_what_is_not_is_hopeless(send: Any, drawn: tuple[Image, list[float]]) -> None:
    image, box = drawn
    there = screened(send, shown(image, box))
    assert (there.state, there.screening) == (State.QUEUED, "")
    nothing = screened(send, shown(image, NOTHING), east_m=200.0)
    assert (nothing.state, nothing.screening, nothing.blind) == (State.SET_ASIDE, "hopeless", False)
    assert there.priority > 2 * nothing.priority


def test_the_second_look_is_what_the_screening_packs_figure_was_measured_with(drawn: tuple[Image, list[float]]) -> None:
    """The same detector on the whole picture, with the pack's own looks: no other size, no cut."""
    image, box = drawn
    from models.packs import load_pack

    measured = Detector(load_pack("screening")).detect(image, 0.01)
    said = second_look().probability(image, box, CATEGORY)
    assert said == max(each.probability for each in measured if each.label.category == CATEGORY)
    assert len(load_pack("screening").sides_px) > 1


@pytest.mark.parametrize("role", ["near", "context"])
def test_a_thing_is_looked_for_in_another_picture_before_it_is_hopeless(role: str, send: Any, drawn: tuple[Image, list[float]]) -> None:  # fmt: skip
    image, box = drawn
    blocks = np.random.default_rng(3).integers(60, 190, (27, 48, 3), dtype=np.uint8)
    noise = blocks.repeat(20, axis=0).repeat(20, axis=1)
    alone = screened(send, shown(noise, box))
    both = screened(send, shown(noise, box), shown(image, box, role), east_m=200.0)
    assert (alone.screening, both.screening) == ("hopeless", "")


def test_a_picture_that_is_told_no_box_or_a_category_no_network_knows_is_not_judged(send: Any, drawn: tuple[Image, list[float]]) -> None:  # fmt: skip
    image, _box = drawn
    assert second_look().probability(image, NOTHING, "dead_animal") is None
    case = screened(send, described(encode_jpeg(image), box=None))
    assert (case.state, case.screening) == (State.QUEUED, "")


@pytest.mark.parametrize("broken", ["not a network", None])
def test_a_broken_or_missing_pack_leaves_the_rules_alone_and_says_so(
    broken: str | None, send: Any, drawn: tuple[Image, list[float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:  # fmt: skip
    folder = tmp_path / "pack"
    shutil.copytree(SHIPPED / "street", folder)
    (folder / "model.onnx").write_text(broken) if broken else (folder / "model.onnx").unlink()
    monkeypatch.setattr(settings, "SCREENING_PACK", str(folder))
    monkeypatch.setattr(logging.getLogger("trikeye"), "propagate", True)
    case = screened(send, shown(drawn[0], NOTHING))
    again = screened(send, shown(drawn[0], NOTHING), east_m=200.0)
    assert {case.state, again.state} == {State.QUEUED}
    assert "TRIKEYE_SCREENING_PACK" in trouble()
    said = [line for line in caplog.records if "second_look_missing" in line.getMessage()]
    assert len(said) == 1, "once, not for every case"
    admin = Client()
    admin.force_login(User.objects.create_user("admin", role="admin"))
    assert admin.get("/health/ready/").json()["worse"] == {"second_look": trouble()}
    assert "worse" not in Client().get("/health/ready/").json()


def test_a_pack_that_was_mended_is_taken_after_a_while(drawn: tuple[Image, list[float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    folder, clock = tmp_path / "pack", [1000.0]
    monkeypatch.setattr(settings, "SCREENING_PACK", str(folder))
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    assert second_look().probability(*drawn, CATEGORY) is None
    assert trouble()
    shutil.copytree(SHIPPED / "street", folder)
    clock[0] += AGAIN_S - 1
    assert second_look().probability(*drawn, CATEGORY) is None
    clock[0] += 1
    assert (second_look().probability(*drawn, CATEGORY) or 0) > 0.5
    assert trouble() == ""


def test_without_onnxruntime_it_says_what_to_install(drawn: tuple[Image, list[float]], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "models.runtime", raising=False)
    assert second_look().probability(*drawn, CATEGORY) is None
    assert "onnxruntime" in trouble()
    assert "pip install" in trouble()


def test_a_network_that_fails_on_a_picture_leaves_that_case_to_people(send: Any, drawn: tuple[Image, list[float]], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def fails(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Detector, "detect", fails)
    assert screened(send, shown(drawn[0], NOTHING)).state == State.QUEUED


def test_looking_twice_can_be_switched_off(send: Any, drawn: tuple[Image, list[float]], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(settings, "SCREENING_PACK", "none")
    assert screened(send, shown(drawn[0], NOTHING)).state == State.QUEUED
    assert trouble() == ""


def test_other_work_waits_for_a_second_of_looks_and_no_longer(send: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SCREENING_PACK", "none")
    for number in range(3):
        send(east_m=200.0 * number, outbox=uuid4(), picture=jpeg(number))
    assert screen_new(NOW, spend_s=-1.0) == 1
    assert screen_new(NOW, spend_s=60.0) == 2


def figure(case: Case, answer: str, count: int, vehicle: Any = None, day: Any = None) -> None:
    DayFigure.objects.create(city=case.city, day=day or NOW.date(), is_real=False, category=case.category, pack="street", vehicle=vehicle, answer=answer,
                             reason=1 if answer == "reject" else None, count=count)  # fmt: skip


def test_the_last_verdicts_on_a_vehicles_finds_count_against_those_of_its_city(send: Any, vehicle: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(settings, "SCREENING_PACK", "none")
    send()
    case = Case.objects.get()
    before = look_at(case, NOW).priority
    figure(case, "confirm", 800)
    figure(case, "reject", 200)
    forget()
    assert base_share(case.city_id, case.category, NOW) == pytest.approx(0.8, abs=0.01)
    figure(case, "reject", 150, vehicle)
    figure(case, "confirm", 50, vehicle)
    figure(case, "confirm", 5000, vehicle, NOW.date().replace(month=10))
    assert of_vehicle(case, NOW).decided >= 200
    assert of_vehicle(case, NOW) == Record(50, 200), "its last 200: what lies before is long ago"
    assert look_at(case, NOW).priority < before


def test_what_was_decided_at_a_place_counts(send: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SCREENING_PACK", "none")
    around = {"confirmed": (25.0, 0.0), "handed_over": (-25.0, 0.0), "fixed": (0.0, 25.0), "rejected": (0.0, -25.0)}
    for state, (east_m, north_m) in around.items():
        send(east_m=east_m, north_m=north_m, outbox=uuid4())
        Case.objects.filter(state="new").update(state=state, state_at=NOW)
    send(north_m=90.0, outbox=uuid4())
    Case.objects.filter(state="new").update(state="confirmed", state_at=NOW)
    send(outbox=uuid4())
    case = Case.objects.get(state="new")
    assert at_place(case, NOW) == Record(3, 4)
    Case.objects.filter(state="rejected").update(state="fixed")
    better = look_at(case, NOW).priority
    Case.objects.exclude(id=case.pk).update(state="rejected", rejected_probability=None)
    assert at_place(case, NOW) == Record(0, 4)
    assert look_at(case, NOW).priority < better


def test_screening_asks_the_database_a_bounded_number_of_times(send: Any, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    monkeypatch.setattr(settings, "SCREENING_PACK", "none")
    send()
    case = Case.objects.get()
    with django_assert_max_num_queries(7):
        look_at(case, NOW)


def test_a_lost_picture_is_unusable_before_any_network_is_asked(send: Any) -> None:
    send()
    case = Case.objects.get()
    pictures.path_of(case.sightings.get().pictures.get().sha256).unlink()
    assert look_at(case, NOW).reason == "picture_unusable"
    assert HOPELESS < 0.5

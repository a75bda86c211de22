"""Fixtures of the back office, for the tests of its rooms: each conftest that needs them imports them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation
from sightings import NOW, message


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and secrets of a test lie in its own folder."""
    monkeypatch.setattr(settings, "PICTURES", tmp_path / "pictures")
    monkeypatch.setattr(settings, "SECRETS", tmp_path / "secrets")


@pytest.fixture(autouse=True)
def first_look_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards are queued by the vehicle's probability, and no network looks at a test's made-up pictures; tests of these ask for them."""
    from server.screening.records import forget

    monkeypatch.setattr(settings, "SCREENING_PACK", "none")
    monkeypatch.setattr(settings, "RANDOM_SHARE", 0.0)
    monkeypatch.setattr("server.screening.services.SPEND_S", 600.0)  # a busy machine leaves no case behind
    forget()


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure of the test before, and not its language; and no card that is looked at twice, or gold, by chance."""
    from server.review.counts import forget

    monkeypatch.setattr(settings, "SECOND_SHARE", 0.0)
    monkeypatch.setattr(settings, "GOLD_SHARE", 0.0)
    forget()
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real hashers take their time on purpose; where a real broker asks for a password, they stay."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if "broker" not in request.keywords and "process" not in request.keywords:
        monkeypatch.setattr(
            "server.fleet.services.embedded_hash", lambda password: f"no hash of {len(password)} letters"
        )


@pytest.fixture
def vehicle(db: None) -> Any:
    """A vehicle TY-01 of Taiyuan, and a second one."""
    from server.fleet.models import Vehicle
    from server.fleet.services import add_vehicle

    add_vehicle("TY-02", "taiyuan", "fleet")
    add_vehicle("TY-01", "taiyuan", "fleet")
    return Vehicle.objects.get(name="TY-01")


@pytest.fixture
def send(vehicle: Any) -> Callable[..., Any]:
    """Hand one message to intake and return its answer."""
    from models.contract import encode, topic
    from server.intake.services import take_sighting

    def deliver(**changes: Any) -> Any:
        sighting = message(**changes)
        return take_sighting(topic(sighting.vehicle, "sighting"), encode(sighting), NOW)

    return deliver


@pytest.fixture
def reviewer(db: None) -> Any:
    """A person who reviews."""
    from server.accounts.models import User

    return User.objects.create_user("wang", password="a long password", role="reviewer")

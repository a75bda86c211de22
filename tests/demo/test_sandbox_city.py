"""The sandbox city keeps to what it was told last."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from demo.city import STATUSES, City, page

UTC = timezone.utc  # noqa: UP017
SECRET = "whsec_" + "a" * 44


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A city without a case."""
    return City(tmp_path, SECRET, "http://127.0.0.1:9/")


def tell(city: City, message_id: str, kind: str, **data: object) -> str:
    """Send it a message about case 7, and say how the case stands then."""
    body, now = json.dumps({"type": kind, "data": {"case_number": 7, **data}}), datetime.now(UTC)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(message_id, now, body),
    }
    assert city.take(headers, body.encode())[0] == 200
    return str(city.matters()[0]["status"])


def test_a_case_confirmed_anew_is_open_again_and_only_its_own_retraction_closes_it(city: City) -> None:
    assert tell(city, "one", "case.confirmed") == "received"
    assert tell(city, "r1", "case.retracted", retracts="one") == "retracted"
    assert tell(city, "two", "case.confirmed") == "received"
    assert city.say(7, "accepted")
    assert tell(city, "two", "case.confirmed") == "accepted"
    assert tell(city, "r1", "case.retracted", retracts="one") == "accepted"
    assert tell(city, "r2", "case.retracted", retracts="two") == "retracted"


@pytest.mark.parametrize(("said", "offered"), [([], ["accepted", "returned", "fixed"]), (["accepted"], ["returned", "fixed"]), (["returned"], []), (["accepted", "fixed"], [])])  # fmt: skip
def test_only_what_can_still_be_said_of_a_case_is_offered(city: City, said: list[str], offered: list[str]) -> None:
    place = {"lat": 37.9, "lon": 112.5, "error_m": 2, "crs": "WGS-84"}
    tell(city, "one", "case.confirmed", name_zh="打包垃圾", name_en="Bagged garbage", codes=[], place=place)
    assert all(city.say(7, status) for status in said)
    assert re.findall(r'<button name="status" value="(\w+)"', page(city)) == offered
    assert ("<form" in page(city)) is bool(offered)
    assert [status for status in STATUSES if city.say(7, status)][:1] == offered[:1]

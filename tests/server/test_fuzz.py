"""The interface asked for whatever its description allows and for what it does not, by schemathesis: every answer is as described, none is a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from sightings import NOW

from server.api.tokens import add_token
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db
DESCRIBED = json.loads((Path(__file__).resolve().parents[2] / "docs/openapi.json").read_text())
OPERATIONS = [(path, method) for path, item in DESCRIBED["paths"].items() for method in item]
EXAMPLES = {GenerationMode.POSITIVE: 20, GenerationMode.NEGATIVE: 10}


@pytest.fixture
def schema(send: Any, settings: Any) -> Iterator[Any]:
    """The description as it is served, over an office with some cases."""
    settings.API_PER_MINUTE = 1_000_000
    for number in range(3):
        send(east_m=60.0 * number, seed=number)
    screen_new(NOW)
    described = Client().get("/api/v1/openapi.json").json()
    loaded = schemathesis.openapi.from_dict(described)
    loaded.app = get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # as Django's own test client does: the connection is the test's
    yield loaded
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", EXAMPLES, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda each: str(each))
@pytest.mark.parametrize("role", ["supervisor", "fleet"])
def test_whatever_is_asked_is_answered_as_described(schema: Any, path: str, method: str, role: str, mode: GenerationMode) -> None:  # fmt: skip
    bearer = {"Authorization": f"Bearer {add_token('fuzz', role, None, 1, timezone.now())}"}

    @settings(
        max_examples=EXAMPLES[mode],
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=bearer)

    ask()

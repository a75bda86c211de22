"""What a test needs that this machine may lack."""

from __future__ import annotations

import os

import pytest

STRICT = os.environ.get("CI") == "true"


def need(thing: str | None, what: str, remedy: str) -> str:
    """The thing, or a visible skip that says how to get it; a failure where nothing may be skipped."""
    if thing:
        return thing
    words = f"{what} is missing; {remedy}"
    if STRICT:
        pytest.fail(words)
    pytest.skip(words)

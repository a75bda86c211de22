"""The interface's description as a text that is the same on every machine."""

from __future__ import annotations

import json

from server.start import start


def text() -> str:
    """OpenAPI 3.1 of version 1, two spaces an indent, as it lies in docs/openapi.json."""
    start()
    from server.api.api import api

    return json.dumps(api.get_openapi_schema(), ensure_ascii=False, indent=2, default=str) + "\n"

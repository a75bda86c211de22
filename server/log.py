"""Lines of the log: `event=… sighting=… case=…` and what else there is to say, each also with the number of the request it belongs to.

A sighting and a case have the same keys from intake to the city, so that one id finds all that happened: `grep case=123`. TRIKEYE_LOG=json writes objects instead.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

request_number: ContextVar[str] = ContextVar("request_number", default="")
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/+@")


class Numbered:
    """Numbers each request. The number stays until the next one, since Django logs an answer after all middleware is done with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number = secrets.token_hex(4)
        request_number.set(number)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = number
        return response


class WithNumber(logging.Filter):
    """Gives every line `number`: that of its request, nothing outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.number = request_number.get()
        return True


def tell(log: logging.Logger, event: str, /, **told: object) -> None:
    """A line that says what happened (in the past tense) and to what; what is empty is left out."""
    _write(log, logging.INFO, event, told)


def warn(log: logging.Logger, event: str, /, **told: object) -> None:
    """The same for what somebody should look at."""
    _write(log, logging.WARNING, event, told)


def _write(log: logging.Logger, level: int, event: str, told: Mapping[str, object]) -> None:
    if log.isEnabledFor(level):
        log.log(level, "%s", event, extra={"told": {**told, "event": event}})


class Logfmt(logging.Formatter):
    """key=value, one line a record; a traceback follows it."""

    def format(self, record: logging.LogRecord) -> str:
        line = " ".join(f"{key}={_quoted(value)}" for key, value in _fields(record).items())
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Json(logging.Formatter):
    """An object a line, the traceback in it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(_fields(record))
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    at = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
    told = getattr(record, "told", None) or {"msg": record.getMessage()}
    whose = {"event": told.get("event"), "request": getattr(record, "number", ""), **told}
    return {"at": at, "level": record.levelname.lower(), "log": record.name, **{key: value for key, value in whose.items() if value not in (None, "")}}  # fmt: skip


def _quoted(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if text and _BARE.issuperset(text) else json.dumps(text, ensure_ascii=False)

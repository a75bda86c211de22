"""What a line of the log carries: the number of the request it belongs to, which is also on the answer and on its error page."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

request_number: ContextVar[str] = ContextVar("request_number", default="")


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
    """Gives every line `number`: that of its request in brackets, nothing outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        number = request_number.get()
        record.number = f"[{number}] " if number else ""
        return True

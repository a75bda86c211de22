"""What every answer carries: a content policy without inline script, the person's language, the pages they may open, version and source."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from server.roles import Page, pages_of

POLICY = "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
Handler = Callable[[HttpRequest], HttpResponse]


class ContentPolicy:
    """Sets the Content-Security-Policy."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class Language:
    """The language chosen on the page (a cookie), else the account's, else the browser's, else Chinese."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        own = getattr(request.user, "language", "")
        translation.activate(language_of(request, own))
        response = self.get_response(request)
        if not _chosen(request, own):
            patch_vary_headers(response, ("Accept-Language",))
        response.headers["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
        return response


def language_of(request: HttpRequest, own: str = "") -> str:
    """The language of an answer: chosen on the page, else `own` (the account's), else the browser's, else Chinese."""
    return _chosen(request, own) or translation.get_language_from_request(request)


def _chosen(request: HttpRequest, own: str) -> str:
    chosen = request.COOKIES.get("trikeye_language") or own
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def pages(request: HttpRequest) -> dict[str, list[Page]]:
    """What the navigation links to."""
    return {"pages": pages_of(getattr(request, "user", None))}


def about(request: HttpRequest) -> dict[str, str]:
    """Version and source, for the footer."""
    return {
        "version": version("trikeye"),
        "source_url": settings.SOURCE_URL,
        "language": translation.get_language() or settings.LANGUAGE_CODE,
    }

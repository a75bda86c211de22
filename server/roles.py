"""Who may open what: every address of the back office by its name, and the roles it is for. What is not here, nobody may open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server.accounts.models import User
from server.accounts.sessions import is_shut_out

Role = User.Role
ANYBODY = None
EVERYBODY = frozenset(Role)
REVIEW = frozenset({Role.REVIEWER, Role.SUPERVISOR})
CASES = EVERYBODY - {Role.FLEET}
QUALITY = frozenset({Role.SUPERVISOR, Role.AUDITOR})
AUDIT = frozenset({Role.AUDITOR, Role.SUPERVISOR})
FACES = frozenset({Role.SUPERVISOR, Role.AUDITOR})
VEHICLES = frozenset({Role.FLEET, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})
"""Nothing is changed on these pages, and no page shows where a vehicle is."""
WATCH = frozenset({Role.ADMIN})
"""What the machines do. Who asks on the machine itself may, too."""
OVERVIEW = frozenset({Role.SUPERVISOR, Role.CITY, Role.AUDITOR, Role.ADMIN})
READ_CASES = CASES - {Role.REVIEWER}
"""Other programs that read cases: none that reads for a reviewer, who decides without knowing what others said."""
MAY: dict[str, frozenset[Role] | None] = {
    "home": EVERYBODY, "login": ANYBODY, "login_code": ANYBODY, "login_enrol": ANYBODY, "login_recovery": ANYBODY, "login_password": ANYBODY, "logout": ANYBODY, "session": EVERYBODY, "account": EVERYBODY, "language": ANYBODY, "health": ANYBODY, "health_ready": ANYBODY, "metrics": WATCH,
    "dashboard": OVERVIEW, "report": OVERVIEW, "case_export": OVERVIEW - {Role.ADMIN},
    "picture": CASES, "picture_signed": ANYBODY,
    "review_queue": REVIEW, "review_lease": REVIEW, "review_renew": REVIEW, "review_give_back": REVIEW, "review_verdicts": REVIEW, "review_undo": REVIEW,
    "review_nothing": REVIEW, "review_same": REVIEW, "review_broken": REVIEW, "review_mine": REVIEW, "my_keys": REVIEW,
    "review_batch_lease": REVIEW, "review_batch": REVIEW, "review_feedback": REVIEW, "review_disputes": frozenset({Role.SUPERVISOR}), "review_gold": frozenset({Role.SUPERVISOR}),
    "review_faces": FACES, "review_face": FACES, "review_faces_show": FACES, "case_retract": frozenset({Role.SUPERVISOR}),
    "case_list": CASES, "case": CASES, "case_print": CASES, "case_note": REVIEW, **dict.fromkeys(("case_merge", "case_split", "case_reopen", "case_hand_over"), frozenset({Role.SUPERVISOR})),
    "case_map": CASES, "cases_geojson": CASES, "roads_geojson": CASES, "case_peek": CASES, "categories": frozenset({Role.SUPERVISOR}),
    "quality": QUALITY, "quality_category": QUALITY, "quality_vehicle": QUALITY, "quality_threshold": frozenset({Role.SUPERVISOR}),
    "vehicles": VEHICLES, "coverage": VEHICLES, "coverage_cells": VEHICLES,
    "city_status": ANYBODY,
    "users": frozenset({Role.ADMIN}), "audit": AUDIT, "audit_csv": AUDIT, "audit_erase": frozenset({Role.AUDITOR}),
    "api:cases": READ_CASES, "api:case": READ_CASES, "api:case_sightings": READ_CASES, "api:picture": READ_CASES, "api:vehicles": VEHICLES, "api:seen_well": VEHICLES,
    "api:categories": frozenset({Role.SUPERVISOR, Role.ADMIN}), "api:verdict_figures": frozenset({Role.SUPERVISOR, Role.AUDITOR}),
    "api:openapi-json": ANYBODY, "api:api-root": ANYBODY,
}  # fmt: skip
"""ANYBODY: also who has not signed in; such an address checks a signature itself, or holds nothing."""


@dataclass(frozen=True)
class Page:
    """A page that every other one links to: the name of its address, and what it is called."""

    name: str
    words: str | Promise


PAGES = (
    Page("dashboard", _("Overview")),
    Page("review_queue", _("Review")), Page("review_disputes", _("Disputes")), Page("case_list", _("Cases")), Page("case_map", _("Map")), Page("categories", _("Categories")), Page("quality", _("Quality")),
    Page("vehicles", _("Vehicles")), Page("coverage", _("Last looks")), Page("audit", _("Audit")), Page("users", _("People")),
)  # fmt: skip
"""In the order of the navigation; a person begins at the first that is theirs."""


ON_THIS_MACHINE = ("metrics", "health_ready")
"""Addresses of those who watch the machines: who asks there reads them as an administrator does."""


class NotForThisRole(PermissionDenied):
    """Somebody signed in asked for an address that is for `roles`."""

    def __init__(self, roles: frozenset[Role]) -> None:
        super().__init__(f"only for {', '.join(sorted(roles)) or 'nobody'}")
        self.roles = roles


class OutOfUse(PermissionDenied):
    """A page that is still open asks for somebody who was shut out: who is led to the sign-in is told there."""


def may(person: Any, name: str) -> bool:
    """Whether this person may open the address of this name."""
    roles = MAY.get(name, frozenset())
    return roles is ANYBODY or getattr(person, "role", "") in roles


def is_for_programs(name: str) -> bool:
    """Whether the address of this name is for other programs, which come with a token and have no page to sign in at."""
    return name.startswith("api:") or name in ON_THIS_MACHINE


def pages_of(person: Any) -> list[Page]:
    """The pages a person may open; none before they signed in."""
    return [page for page in PAGES if may(person, page.name)]


class OnlyTheirs(LoginRequiredMiddleware):
    """Sends strangers to the sign-in, and refuses what is not for a person's role. Raises NotForThisRole, OutOfUse."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        roles = MAY.get(name, frozenset())
        if roles is ANYBODY:
            return None
        if not request.user.is_authenticated:
            if (
                request.method == "POST"
                and "text/html" not in request.headers.get("accept", "")
                and is_shut_out(request)
            ):
                raise OutOfUse
            return self.handle_no_permission(request, view_func)
        if not may(request.user, name):
            raise NotForThisRole(roles)
        return None

"""The interface for other programs, version 1: every address reads, none writes. Who may is in roles.py, as for pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Query
from ninja.errors import ValidationError
from ninja.security import APIKeyCookie, HttpBearer

from server.accounts.services import cases_for, cities_for
from server.api import shapes
from server.api.reading import case_row, case_whole, category_row, is_category, sighting_row
from server.cases.models import Case, Picture, Sighting
from server.cases.search import Filter, newest
from server.categories.models import CategoryStanding
from server.categories.services import STREET, measured, proofs
from server.coverage.services import seen_well_since
from server.errors import answer
from server.fleet.heartbeats import as_plain, overview, vehicles_for
from server.fleet.models import City

MOST, USUAL = 200, 50
LARGEST_ID = 2**63 - 1
Limit = Annotated[int, Query(USUAL, ge=1, le=MOST, description="how many at most")]
CityKey = Annotated[str, Query(..., pattern=r"^[a-z0-9-]{1,32}$", description="key of a city")]
SomeCity = Annotated[str | None, Query(None, pattern=r"^[a-z0-9-]{1,32}$", description="key of a city; all that may be seen without it")]  # fmt: skip
PROBLEMS = frozenset({400, 401, 403, 404, 422, 429, 500, 503})
States = Literal["open", "all", "new", "set_aside", "queued", "confirmed", "rejected", "disputed", "handed_over", "accepted", "returned", "fixed",
                 "retracted", "verified", "reopened"]  # fmt: skip


class Token(HttpBearer):
    """A token. The gate has looked at it before any address is asked; here it is only said."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return request.user


class Session(APIKeyCookie):
    """Who is signed in on the pages."""

    param_name = "sessionid"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user


api = NinjaAPI(
    title="trikeye", version="1.0", urls_namespace="api", docs_url=None, auth=[Token(), Session(csrf=False)],
    description="What couriers' tricycles saw, what people decided of it, and what became of it. Times are UTC, places WGS-84. Reading only.",
)  # fmt: skip


@api.exception_handler(ValidationError)
def not_valid(request: HttpRequest, wrong: ValidationError) -> HttpResponse:
    """422: which parameter, and what is wrong with it."""
    faults = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in wrong.errors)
    return answer(request, 422, "parameter", _("A parameter cannot be so"), faults)


def _get(path: str, shape: Any, name: str, summary: str) -> Any:
    return api.get(
        path, response={200: shape, PROBLEMS: shapes.Problem}, url_name=name, operation_id=name, summary=summary
    )


@_get("/cases", shapes.Cases, "cases", "Cases, newest first")
def cases(
    request: HttpRequest,
    state: States = Query("open", description="one state; open: all that are not closed"),
    category: str | None = Query(None, max_length=48, description="key of a category"),
    city: SomeCity = None,
    shadow: bool = Query(False, description="those in shadow instead"),
    cursor: int | None = Query(None, ge=1, le=LARGEST_ID, description="`next` of the page before"),
    limit: Limit = USUAL,
) -> Any:
    """A page of cases. Follow `next` until it is null: nothing is passed over or told twice, whatever is added meanwhile."""
    if category is not None and not is_category(category):
        raise ValidationError([{"loc": ("query", "category"), "msg": _("there is no such category")}])
    wanted = Filter("" if state == "open" else state, category or "", shadow, cursor)
    ids = [each.pk for each in _cities(request, city)]
    found = newest(cases_for(request.user), ids, wanted, limit + 1)
    return shapes.Cases(items=[case_row(each) for each in found[:limit]], next=str(found[limit - 1].pk) if len(found) > limit else None)  # fmt: skip


@_get("/cases/{city}/{number}", shapes.CaseWhole, "case", "One case")
def case(request: HttpRequest, city: str, number: int) -> Any:
    """A case with its timeline, hand-overs and what the city said. A merged one is told as what it is: state `merged`."""
    return case_whole(_case(request, city, number), request.user)


@_get("/cases/{city}/{number}/sightings", shapes.Sightings, "case_sightings", "The sightings of a case, newest first")
def case_sightings(
    request: HttpRequest, city: str, number: int, cursor: UUID | None = Query(None), limit: Limit = USUAL
) -> Any:
    """A page of what a case was seen by."""
    rows = Sighting.objects.filter(case=_case(request, city, number)).select_related("vehicle").order_by("-id")
    found = list((rows if cursor is None else rows.filter(id__lt=cursor))[: limit + 1])
    shown: dict[UUID, list[Picture]] = {}
    for picture in Picture.objects.filter(sighting__in=found[:limit], hidden_at=None).order_by("id"):
        shown.setdefault(picture.sighting_id, []).append(picture)
    items = [sighting_row(each, shown.get(each.pk, [])) for each in found[:limit]]
    return shapes.Sightings(items=items, next=str(found[limit - 1].pk) if len(found) > limit else None)


@_get("/vehicles", shapes.Vehicles, "vehicles", "Vehicles and their health, by name")
def vehicles(request: HttpRequest, cursor: str = Query("", max_length=32), limit: Limit = USUAL) -> Any:
    """A page of the vehicles that are not revoked."""
    theirs = vehicles_for(request.user)
    names = list(theirs.filter(revoked_at=None, name__gt=cursor).order_by("name").values_list("name", flat=True)[: limit + 1])  # fmt: skip
    rows = sorted(map(as_plain, overview(theirs.filter(name__in=names[:limit]), timezone.now())), key=lambda row: row["vehicle"])  # fmt: skip
    return shapes.Vehicles(items=[shapes.VehicleRow(**row) for row in rows], next=names[limit - 1] if len(names) > limit else None)  # fmt: skip


@_get("/coverage/seen-well", shapes.Seen, "seen_well", "Whether a place was seen well since an instant")
def seen_well(
    request: HttpRequest,
    city: CityKey,
    since: datetime,
    lat_deg: float = Query(..., ge=-90, le=90),
    lon_deg: float = Query(..., ge=-180, le=180),
    error_m: float = Query(
        0.0, ge=0, le=100, description="how far the place may be off: all of it must have been seen"
    ),
) -> Any:
    """When a place was last seen well by a camera, if that was at or after `since`. No vehicle is told, and no look but the last."""
    (row,) = _cities(request, city)
    return shapes.Seen(city=row.key, since=since, seen_at=seen_well_since(row, lat_deg, lon_deg, since, error_m=error_m))  # fmt: skip


@_get("/categories", shapes.Categories, "categories", "How each category stands")
def categories(request: HttpRequest, city: SomeCity = None) -> Any:
    """Every category of the cities that may be seen, or of one."""
    seen, items = measured(STREET)[1], []
    for each in _cities(request, city):
        rows = {row.category: row for row in CategoryStanding.objects.filter(city=each)}
        items += [category_row(each.key, key, rows.get(key)) for key in sorted({*rows, *seen})]
    return shapes.Categories(items=items)


@_get("/figures/verdicts", shapes.Figures, "verdict_figures", "What reviewers said, by category")
def verdict_figures(request: HttpRequest, city: SomeCity = None) -> Any:
    """Precision by category, out of verdicts on what cameras found."""
    return shapes.Figures(items=[
        shapes.VerdictFigures(city=each.key, category=category, **proof.figures)
        for each in _cities(request, city) for category, proof in sorted(proofs(each).items())
    ])  # fmt: skip


def _cities(request: HttpRequest, key: str | None) -> QuerySet[City]:
    """The cities that may be seen, or the one of this key. Raises Http404 where there is none."""
    found = City.objects.filter(id__in=cities_for(request.user)).order_by("id")
    if key is None:
        return found
    if not found.filter(key=key).exists():
        raise Http404
    return found.filter(key=key)


def _case(request: HttpRequest, city: str, number: int) -> Case:
    if not 0 < number < 2**31:
        raise Http404
    return get_object_or_404(
        cases_for(request.user).select_related("city", "place"), city__key=city[:32], number=number
    )

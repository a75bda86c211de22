"""The interface for other programs, version 1: every address reads, none writes. Who may is in roles.py, as for pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, NinjaAPI, Query, Schema
from ninja.errors import ValidationError
from ninja.security import APIKeyCookie, HttpBearer
from pydantic import AwareDatetime, StringConstraints

from server import pictures_views
from server.accounts.services import cases_for, cities_for, is_inside
from server.api import shapes
from server.api.reading import case_row, case_whole, category_row, sighting_row, verdict_row
from server.api.tokens import Holder
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.filters import LONGEST, RADII_M, RADIUS_M, Filter
from server.cases.models import Case, Picture, Sighting
from server.cases.search import search
from server.categories.models import CategoryStanding
from server.categories.services import STREET, measured
from server.coverage.services import seen_well_since
from server.errors import answer, not_found
from server.fleet.heartbeats import as_plain, overview, vehicles_for
from server.fleet.models import City
from server.quality.figures import Period, by_category
from server.review.boxes import with_boxes

MOST, USUAL = 200, 50
CITY = r"^[a-z0-9_-]{1,32}$"
DAYS = 30
LARGEST_ID = 2**63 - 1
In: Any = Query
Limit = Annotated[int, In(ge=1, le=MOST, description="how many at most")]
Cursor = Annotated[int | None, In(ge=1, le=LARGEST_ID, description="`next` of the page before")]
CityKey = Annotated[str, In(pattern=CITY, description="key of a city")]
SomeCity = Annotated[str | None, In(pattern=CITY, description="key of a city; all that may be seen without it")]
Latitude = Annotated[float, In(ge=-90, le=90)]
Longitude = Annotated[float, In(ge=-180, le=180)]
ErrorM = Annotated[float, In(ge=0, le=100, description="how far the place may be off: all of it must have been seen")]
NameCursor = Annotated[str, In(max_length=32, description="`next` of the page before")]
View = TypeVar("View", bound=Callable[..., Any])
PROBLEMS = frozenset({400, 401, 403, 404, 422, 429, 500, 503})


class Asked(Schema):
    """What cases are asked for."""

    state: Literal["open", "all", "new", "set_aside", "queued", "confirmed", "rejected", "disputed", "handed_over", "accepted", "returned", "fixed",
                   "retracted", "verified", "reopened"] = Field("open", description="one state; open: all that are not closed")  # fmt: skip
    category: Annotated[str, StringConstraints(max_length=48)] | None = Field(None, description="key of a category")
    severity: Literal["critical", "high", "medium", "low"] | None = None
    city: Annotated[str, StringConstraints(pattern=CITY)] | None = Field(None, description="key of a city; all that may be seen without it")  # fmt: skip
    district: str | None = Field(None, max_length=LONGEST, description="a district's name as the city's data has it")
    vehicle: str | None = Field(None, max_length=32, description="a vehicle that saw it")
    since: date | None = Field(None, description="last seen on this day or later; to a city's own token, come to it")
    until: date | None = Field(None, description="last seen on this day or earlier; to a city's own token, come to it")
    words: str | None = Field(None, max_length=LONGEST, description='words of its place\'s or its category\'s names, a number, or a spot such as "37.87,112.55"')  # fmt: skip
    radius_m: int = Field(RADIUS_M, ge=1, le=max(RADII_M), description="around that spot")
    shadow: bool = Field(False, description="those in shadow instead")

    def filter(self, before: int | None) -> Filter:
        """The same as the list of the pages is asked for."""
        return Filter(
            state="" if self.state == "open" else self.state, category=self.category or "", shadow=self.shadow, before=before, severity=self.severity or "",
            district=self.district or "", vehicle=self.vehicle or "", since=self.since, until=self.until, text=(self.words or "").replace("\x00", "").strip(), radius_m=self.radius_m,
        )  # fmt: skip


class Token(HttpBearer):
    """A token. The gate has looked at it before any address is asked; here it is only said."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return request.user


class Session(APIKeyCookie):
    """Who is signed in on the pages."""

    param_name = "sessionid"

    def _get_key(self, request: HttpRequest) -> str | None:
        return request.COOKIES.get(settings.SESSION_COOKIE_NAME)

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


@api.exception_handler(Http404)
def nothing_there(request: HttpRequest, wrong: Http404) -> HttpResponse:
    """404."""
    return not_found(request, wrong)


def _get(path: str, shape: Any, name: str, summary: str) -> Callable[[View], View]:
    return api.get(
        path, response={200: shape, PROBLEMS: shapes.Problem}, url_name=name, operation_id=name, summary=summary
    )


@_get("/cases", shapes.Cases, "cases", "Cases, newest first")
def cases(
    request: HttpRequest,
    asked: Query[Asked],
    cursor: Cursor = None,
    limit: Limit = USUAL,
) -> Any:
    """A page of cases; all that is told must hold. Follow `next` until it is null, also over a page that is short or empty: it was looked so far back and no further.

    Nothing is passed over or told twice, whatever is added meanwhile.
    """
    ids = [each.pk for each in _cities(request, asked.city)]
    found = search(
        cases_for(request.user), ids, asked.filter(cursor), limit, notes=is_inside(request.user), reader=request.user
    )
    rows = [case_row(each) for each in found.cases]
    return shapes.Cases(items=rows, next=None if found.older is None else str(found.older), is_too_much=found.is_too_much)  # fmt: skip


@_get("/cases/{city}/{number}", shapes.CaseWhole, "case", "One case")
def case(request: HttpRequest, city: str, number: int) -> Any:
    """A case with its timeline, hand-overs and what the city said. A merged one is told as what it is: state `merged`."""
    return case_whole(_case(request, city, number), request.user)


@_get("/cases/{city}/{number}/sightings", shapes.Sightings, "case_sightings", "The sightings of a case, newest first")
def case_sightings(
    request: HttpRequest, city: str, number: int, cursor: UUID | None = None, limit: Limit = USUAL
) -> Any:
    """A page of what a case was seen by."""
    rows = Sighting.objects.filter(case=_case(request, city, number)).select_related("vehicle").order_by("-id")
    found = list((rows if cursor is None else rows.filter(id__lt=cursor))[: limit + 1])
    shown: dict[UUID, list[Picture]] = {}
    pictures = Picture.objects.filter(sighting__in=found[:limit], hidden_at=None)
    for picture in with_boxes(pictures, request.user).order_by("id"):
        shown.setdefault(picture.sighting_id, []).append(picture)
    items = [sighting_row(each, shown.get(each.pk, [])) for each in found[:limit]]
    return shapes.Sightings(items=items, next=str(found[limit - 1].pk) if len(found) > limit else None)


@api.get(
    "/pictures/{sha256}", url_name="picture", operation_id="picture", summary="A redacted picture", response={200: None, PROBLEMS: shapes.Problem},
    openapi_extra={"responses": {200: {"content": {"image/jpeg": {}, "image/svg+xml": {}}}}},
)  # fmt: skip
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """The picture of this digest, if a case that may be seen has it and nobody has hidden it; a drawing that says so where it was erased. Each look by a token is recorded."""
    found = pictures_views.picture(request, sha256)
    if isinstance(request.user, Holder):
        with transaction.atomic():
            record(Verb.PICTURE_OPENED, "picture", sha256, city_id=request.user.city_id, program=request.user.username)
    return found


@_get("/vehicles", shapes.Vehicles, "vehicles", "Vehicles and their health, by name")
def vehicles(request: HttpRequest, cursor: NameCursor = "", limit: Limit = USUAL) -> Any:
    """A page of the vehicles that are not revoked."""
    theirs = vehicles_for(request.user)
    names = list(theirs.filter(revoked_at=None, name__gt=cursor).order_by("name").values_list("name", flat=True)[: limit + 1])  # fmt: skip
    rows = sorted(map(as_plain, overview(theirs.filter(name__in=names[:limit]), timezone.now())), key=lambda row: row["vehicle"])  # fmt: skip
    return shapes.Vehicles(items=[shapes.VehicleRow(**row) for row in rows], next=names[limit - 1] if len(names) > limit else None)  # fmt: skip


@_get("/coverage/seen-well", shapes.Seen, "seen_well", "Whether a place was seen well since an instant")
def seen_well(
    request: HttpRequest,
    city: CityKey,
    since: AwareDatetime,
    lat_deg: Latitude,
    lon_deg: Longitude,
    error_m: ErrorM = 0.0,
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
def verdict_figures(
    request: HttpRequest, city: SomeCity = None, since: date | None = None, until: date | None = None
) -> Any:
    """Sums of verdicts on what cameras saw, from the day `since` (30 days without it) to the day `until` (today without it)."""
    last = until or timezone.localdate()
    first = since or last - min(timedelta(days=DAYS - 1), last - date.min)
    items = [
        verdict_row(each.key, category, tally)
        for each in _cities(request, city) for category, tally in sorted(by_category(Period(each, first, last, is_real=True)).items())
    ]  # fmt: skip
    return shapes.Figures(since=first, until=last, items=items)


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

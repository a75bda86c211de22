"""What other programs read: the text of the interface. A field is never renamed or dropped within v1; new ones may come."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from ninja import Field, Schema

from models.contract import Health
from server.cases.rules import State
from server.categories.rules import Standing


class Problem(Schema):
    """What went wrong, what to do, and the number that the log has of this request."""

    error: str
    kind: str
    request: str


class Place(Schema):
    """Where a case is, WGS-84; where vehicles measured it, the thing lies within `error_m` in 95 of 100 cases. The words are empty where the city's roads are not known."""

    lat_deg: float
    lon_deg: float
    crs: Literal["WGS-84"] = "WGS-84"
    error_m: float
    placed_by: Literal["vehicles", "person"] = Field(
        description="a person put it elsewhere than vehicles measured it, and nobody knows how exactly"
    )
    text_zh: str
    text_en: str
    grid: str
    district_zh: str
    district_en: str


class CaseRow(Schema):
    """One problem at one place."""

    city: str = Field(description="key of its city")
    number: int = Field(description="its number in that city")
    address: str = Field(description="its page")
    category: str
    category_zh: str
    category_en: str
    severity: str
    state: State
    state_since: datetime
    shadow: bool = Field(description="reviewed, and never handed over")
    origin: str = Field(description="camera; or replay, demo: never handed to a real city")
    place: Place
    probability: float
    sightings: int
    vehicles: int
    first_seen_at: datetime
    last_seen_at: datetime


class Cases(Schema):
    """A page of cases, newest first."""

    items: list[CaseRow]
    next: str | None = Field(description="the cursor of the next page; null on the last")
    is_too_much: bool = Field(description="the days or the circle hold more than is looked at: ask for less of them")


class Line(Schema):
    """One line of a case's timeline, in the language asked for. `by` is empty for the software itself, and where the reader is not to know."""

    at: datetime
    text: str
    by: str


class HandoverRow(Schema):
    """A message to a city."""

    id: UUID
    destination: str
    kind: str
    state: str
    made_at: datetime
    attempts: int
    receipted_at: datetime | None
    external_id: str = Field(description="the number that the city gave the case")
    last_error: str


class Report(Schema):
    """What the city said of a case; `applied`: it moved the case."""

    status: str
    text: str
    reported_at: datetime
    received_at: datetime
    applied: bool


class CaseWhole(CaseRow):
    """A case with all that happened to it."""

    timeline: list[Line] = Field(description="newest first")
    handovers: list[HandoverRow]
    reports: list[Report] = Field(description="newest first")


class PictureRow(Schema):
    """A redacted picture and its address, which opens for who may read its case."""

    sha256: str
    role: str
    width: int
    height: int
    box: list[float] | None = Field(description="the problem in it, as people put it right: x1, y1, x2, y2 in pixels")
    address: str


class SightingRow(Schema):
    """One problem seen on one pass by one vehicle. Where the vehicle was is told to nobody."""

    id: UUID
    vehicle: str
    seen_at: datetime
    clock: str = Field(description="what told the time")
    received_at: datetime
    category: str
    probability: float
    lat_deg: float
    lon_deg: float
    error_m: float
    range_m: float
    pack: str
    pictures: list[PictureRow]


class Sightings(Schema):
    """A page of a case's sightings, newest first."""

    items: list[SightingRow]
    next: str | None = Field(description="the cursor of the next page; null on the last")


class VehicleRow(Schema):
    """A vehicle and its last word on itself; never where it is."""

    vehicle: str
    city: str
    fleet: str
    online: bool
    severity: str
    troubles: list[str] = Field(description="worst first")
    do: str = Field(description="what to do about the worst")
    heard_at: datetime | None
    last_sighting_at: datetime | None
    desired_revision: int
    health: Health | None


class Vehicles(Schema):
    """A page of vehicles, by name."""

    items: list[VehicleRow]
    next: str | None = Field(description="the cursor of the next page; null on the last")


class Seen(Schema):
    """When a place was last seen well, if that was since then; null if not."""

    city: str
    since: datetime
    seen_at: datetime | None


class CategoryRow(Schema):
    """How a category stands in a city: in shadow (reviewed, not handed over), on trial (to sandboxes), live."""

    city: str
    category: str
    category_zh: str
    category_en: str
    severity: str
    standing: Standing
    since: datetime | None
    pack: str = Field(description="whose measured figures put it there; empty where a person did, or nobody")


class Categories(Schema):
    """Every category of a city that has a standing, by key."""

    items: list[CategoryRow]


class VerdictFigures(Schema):
    """What reviewers said of a category's cards. `decided`: confirmed or rejected. `of_detector`: those that say how well the network sees, `right` of them; `low` and `high`: Wilson's 95 % interval of that share."""

    city: str
    category: str
    decided: int
    confirmed: int
    of_detector: int
    right: int
    precision: float | None
    low: float
    high: float
    unsure: int
    reasons: dict[str, int] = Field(description="rejections by the number of the reason")


class Figures(Schema):
    """The figures of these days, both included, by city and category."""

    since: date
    until: date
    items: list[VerdictFigures]

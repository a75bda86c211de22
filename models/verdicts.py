"""What reviewers decided, as it travels from the back office to training: the format of an export, version 1.

An export is a folder:

    verdicts.jsonl          one line of JSON per sighting of a decided case, sorted by case; written last, so that a folder without it is none
    pictures/ab/ab….jpg     the redacted pictures that the lines name by their sha256, and no others

A line says what the vehicle proposed (category, label, raw score, probability, pack), where the thing is in each of the sighting's pictures (x1, y1, x2, y2 as
shares of the picture, as the network boxed it), and what a person made of it. Of a case decided more than once the last answer holds. Only sightings that the
person could see count: what joined the case later was never judged. No line names a person: neither the courier nor the reviewer.

`reason` is the number a reviewer chose for a rejection: 1 nothing there, 2 looks like it but is not, 3 permitted here, 4 picture unusable, 5 same as another case,
6 place cannot be right, 7 already cleared, 8 face or plate visible (never exported), 9 other. Only 1 and 2 say what the picture shows; the others say
something of the place, the day or the paperwork, and teach a network nothing.

BadExport   the folder is no export, or a line or picture of it is not what it must be; the text names file and line
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from math import cos, floor, radians
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from models.contract import Latitude, Longitude, Name, Sha256, Share, VehicleName

LINES = "verdicts.jsonl"
NOTHING_OF_THE_KIND = frozenset({1, 2})
"""Reasons of a rejection that say: what is in the box is not of the category proposed."""
SCENE_M = 50.0
METRES_PER_DEGREE = 111_195.0


class BadExport(Exception):
    pass


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Shown(_Row):
    """One picture of a sighting: its file below the export's folder, and the thing in it, x1, y1, x2, y2 as shares of the picture."""

    role: Literal["best", "context", "far", "near"]
    sha256: Sha256
    box: tuple[Share, Share, Share, Share] | None = None

    @model_validator(mode="after")
    def box_has_an_area(self) -> Self:
        if self.box is not None and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError("box is empty: x1, y1 must be less than x2, y2")
        return self

    @property
    def file(self) -> str:
        """Where the picture lies in the export."""
        return f"pictures/{self.sha256[:2]}/{self.sha256}.jpg"


class Judged(_Row):
    """One sighting of a decided case: a line of an export. `decided` is the category the reviewer settled on, "" unless confirmed."""

    version: Literal[1] = 1
    case: Annotated[int, Field(ge=1)]
    sighting: Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
    proposed: Name
    label: Annotated[str, StringConstraints(max_length=64)] = ""
    verdict: Literal["confirmed", "rejected", "unsure"]
    decided: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{0,48}$")] = ""
    reason: Annotated[int, Field(ge=1, le=99)] | None = None
    score: Share
    probability: Share
    pack: Annotated[str, StringConstraints(max_length=64)]
    pack_digest: Sha256
    redaction: Sha256
    vehicle: VehicleName
    pass_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
    day: date
    lat_deg: Latitude
    lon_deg: Longitude
    pictures: Annotated[tuple[Shown, ...], Field(max_length=4)]

    @model_validator(mode="after")
    def answer_is_whole(self) -> Self:
        if (self.verdict == "confirmed") != bool(self.decided) or (self.verdict == "rejected") != (
            self.reason is not None
        ):
            raise ValueError("a confirmed line needs decided, a rejected one a reason, and no other has them")
        return self

    @property
    def is_right(self) -> bool | None:
        """Whether the box shows what was proposed; None where the verdict does not say so."""
        if self.verdict == "confirmed":
            return self.decided == self.proposed
        return False if self.verdict == "rejected" and self.reason in NOTHING_OF_THE_KIND else None

    @property
    def place_m(self) -> tuple[float, float]:
        """North and east of the case in metres, good for distances of a few hundred."""
        return self.lat_deg * METRES_PER_DEGREE, self.lon_deg * METRES_PER_DEGREE * cos(radians(self.lat_deg))

    @property
    def scene(self) -> str:
        """The cell of about SCENE_M in which the case lies: pictures of one cell show the same things."""
        north = floor(self.lat_deg * METRES_PER_DEGREE / SCENE_M)
        # The cell's own latitude, not the case's, sets the width: two cases of one cell must get one name.
        metres = METRES_PER_DEGREE * max(0.01, cos(radians(north * SCENE_M / METRES_PER_DEGREE)))
        return f"{north}_{floor(self.lon_deg * metres / SCENE_M)}"


def read_export(folder: Path) -> Iterator[Judged]:
    """The lines of an export, one at a time. Raises BadExport with file and line."""
    path = folder / LINES
    if not path.is_file():
        raise BadExport(
            f"{folder} is no export: {LINES} is missing; write one: trikeye server export verdicts --out {folder}"
        )
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            try:
                yield Judged.model_validate_json(text)
            except ValidationError as wrong:
                first = wrong.errors(include_url=False, include_input=False)[0]
                where = ".".join(map(str, first["loc"]))
                raise BadExport(f"{path}:{number}: {where + ': ' if where else ''}{first['msg']}") from None


def picture_of(folder: Path, shown: Shown) -> Path:
    """Where a picture lies, its digest checked. Raises BadExport."""
    path = folder / shown.file
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as wrong:
        raise BadExport(f"{path} cannot be read ({wrong.strerror}); export again into the same folder") from None
    if digest != shown.sha256:
        raise BadExport(f"{path} is not the picture its name says (sha256 {digest}); export again into the same folder")
    return path

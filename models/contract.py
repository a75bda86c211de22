"""The wire between vehicle and back office, version 1: messages as pydantic models, bytes as deterministic CBOR (RFC 8949).

Unknown fields are ignored; an unknown major version is refused. `id` alone is identity; `digest` is SHA-256 of the bytes as published.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from io import BytesIO
from itertools import accumulate, pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar
from uuid import UUID

import cbor2
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from models.taxonomy import CATEGORIES

UTC = timezone.utc  # noqa: UP017
WIRE_VERSION = 1
MAX_MESSAGE_BYTES = 256 * 1024
MAX_NESTING = 16
MAX_HEALTH_BYTES = 4096
MAX_COVERAGE_BYTES, MAX_CELLS = 16 * 1024, 2000
MAX_INTEGER = 2**63 - 1  # what a database's integer holds
VEHICLE_NAME = r"^[A-Za-z0-9_-]{1,32}$"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,48}$")]
VehicleName = Annotated[str, StringConstraints(pattern=VEHICLE_NAME)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Metres = Annotated[float, Field(ge=0, le=1e5, allow_inf_nan=False)]
Instant = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]
Variance = Annotated[float, Field(ge=1e-6, le=1e8, allow_inf_nan=False)]  # 1 mm to 10 km: more would only overflow
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class RefusedMessage(Exception):
    """A message that cannot be taken. `reason` is a short code for the acknowledgement, the text says what was wrong."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


T = TypeVar("T", bound=Message)


class SeenAt(Message):
    """When the picture was taken, by which clock, and how far that clock may be off."""

    utc: Instant
    source: Literal["gnss", "ntp", "system", "file", "none"]
    sigma_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Place(Message):
    """Where the problem stands: WGS-84, covariance east/north in m², near and far range along the bearing."""

    lat_deg: Latitude
    lon_deg: Longitude
    covariance_m2: tuple[tuple[Variance, Finite], tuple[Finite, Variance]]
    bearing_deg: Annotated[float, Field(ge=0, lt=360, allow_inf_nan=False)]
    range_m: Metres
    near_m: Metres
    far_m: Metres
    method: Name

    @model_validator(mode="after")
    def covariance_is_one(self) -> Self:
        (ee, en), (ne, nn) = self.covariance_m2
        if not (math.isclose(en, ne, abs_tol=1e-6) and ee * nn - en * ne >= 0):
            raise ValueError("covariance_m2 is not symmetric and positive")
        return self


class VehicleFix(Message):
    """Where the camera was at the instant of the picture."""

    utc: Instant
    lat_deg: Latitude
    lon_deg: Longitude
    sigma_m: Metres
    heading_deg: Annotated[float, Field(ge=0, lt=360, allow_inf_nan=False)] | None = None
    speed_mps: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    quality: Name


class PackName(Message):
    name: Annotated[str, StringConstraints(max_length=64)]
    digest: Sha256


class RedactionNote(Message):
    """Which redaction made the pictures fit to leave, and how many regions it blurred in all of them."""

    digest: Sha256
    regions: Annotated[int, Field(ge=0, le=100_000)]


class Picture(Message):
    """One JPEG. `box` is the problem in this picture's pixels: x1, y1, x2, y2."""

    role: Literal["best", "context", "far", "near"]
    sha256: Sha256
    width: Annotated[int, Field(ge=16, le=8192)]
    height: Annotated[int, Field(ge=16, le=8192)]
    box: tuple[Finite, Finite, Finite, Finite] | None = None
    bytes: bytes

    @model_validator(mode="after")
    def digest_holds(self) -> Self:
        if hashlib.sha256(self.bytes).hexdigest() != self.sha256:
            raise ValueError("sha256 does not fit the picture's bytes")
        return self


class Sighting(Message):
    """One problem seen on one pass by one vehicle."""

    version: Literal[1] = 1
    id: UUID
    outbox: UUID
    sequence: Annotated[int, Field(ge=1, le=MAX_INTEGER)]
    vehicle: VehicleName
    camera: Name
    pass_id: UUID
    origin: Literal["camera", "replay", "demo"]
    seen_at: SeenAt
    boot_id: UUID
    monotonic_ns: Annotated[int, Field(ge=0, le=MAX_INTEGER)]
    category: Name
    detail: Annotated[str, StringConstraints(max_length=64)] = ""
    score: Share
    probability: Share
    place: Place
    fix: VehicleFix
    calibration_digest: Sha256
    settings_revision: Annotated[int, Field(ge=0, le=2**31 - 1)]
    pack: PackName
    redaction: RedactionNote
    pictures: Annotated[tuple[Picture, ...], Field(max_length=4)]


class CellLook(NamedTuple):
    """One cell of the ground: its H3 index, how well it was seen (0 hardly, 1 from afar, 2 well, 3 from near), and from how near."""

    cell: int
    quality: int
    range_m: int


CELL_UNIT = 512
"""Below a cell of resolution 12 all nine bits of an H3 index are ones."""


class Coverage(Message):
    """Which ground one camera looked at, and how well, in about a minute or a kilometre. Cells are sorted, so that their order tells no way.

    `first_cell` is an H3 index of resolution 12; each of `steps` leads to the next, in units of 512, as what lies below is the same in all of them.
    `qualities` and `ranges_m` hold one byte a cell: 0 hardly seen, 1 from afar, 2 well, 3 from near; whole metres from the camera, at the nearest.
    """

    version: Literal[1] = 1
    id: UUID
    vehicle: VehicleName
    camera: Name
    origin: Literal["camera", "replay", "demo"]
    from_utc: Instant
    to_utc: Instant
    clock_source: Literal["gnss", "ntp", "system", "file", "none"]
    first_cell: Annotated[int, Field(ge=0, le=MAX_INTEGER)]
    steps: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MAX_INTEGER // CELL_UNIT)], ...], Field(max_length=MAX_CELLS - 1)
    ]
    qualities: Annotated[bytes, Field(max_length=MAX_CELLS)]
    ranges_m: Annotated[bytes, Field(max_length=MAX_CELLS)]

    @model_validator(mode="after")
    def is_whole(self) -> Self:
        if not len(self.qualities) == len(self.ranges_m) == len(self.steps) + 1:
            raise ValueError("qualities and ranges_m need one byte a cell")
        if max(self.qualities) > 3:
            raise ValueError("a quality is 0 to 3")
        if self.first_cell + CELL_UNIT * sum(self.steps) > MAX_INTEGER:
            raise ValueError("the last cell is no H3 index")
        if self.to_utc < self.from_utc:
            raise ValueError("to_utc is before from_utc")
        return self

    @property
    def looks(self) -> list[CellLook]:
        """Its cells, ascending."""
        cells = accumulate(self.steps, lambda cell, step: cell + CELL_UNIT * step, initial=self.first_cell)
        return [CellLook(*each) for each in zip(cells, self.qualities, self.ranges_m, strict=True)]


def packed(looks: Iterable[CellLook]) -> dict[str, Any]:
    """The fields of a Coverage that hold these cells (one at least, MAX_CELLS at most, none twice)."""
    sorted_ = sorted(looks)
    return {
        "first_cell": sorted_[0].cell,
        "steps": tuple((b.cell - a.cell) // CELL_UNIT for a, b in pairwise(sorted_)),
        "qualities": bytes(each.quality for each in sorted_),
        "ranges_m": bytes(min(each.range_m, 255) for each in sorted_),
    }


class AckItem(Message):
    """The server's answer to one message, sent after its database committed."""

    id: UUID
    digest: Sha256
    outcome: Literal["accepted", "known", "refused"]
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


class Ack(Message):
    version: Literal[1] = 1
    items: Annotated[tuple[AckItem, ...], Field(max_length=500)]


class Status(Message):
    version: Literal[1] = 1
    vehicle: VehicleName
    online: bool
    at: Instant | None = None


Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Counts = Annotated[dict[Name, Count], Field(max_length=64)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Revision = Annotated[int, Field(ge=0, le=2**31 - 1)]
Version = Annotated[str, StringConstraints(max_length=32)]


class OutboxHealth(Message):
    """How the outbox stands; `evicted` and `unreadable` name sequences, first and last of each run, newest runs first as far as there is room."""

    id: UUID | None = None
    committed: Count
    waiting: Count
    aside: Count
    oldest_s: Seconds | None = None
    evicted_count: Count = 0
    evicted: Annotated[tuple[tuple[Count, Count], ...], Field(max_length=64)] = ()
    unreadable_count: Count = 0
    unreadable: Annotated[tuple[tuple[Count, Count], ...], Field(max_length=64)] = ()
    coverage_waiting: Count | None = None
    coverage_dropped: Count | None = None


class FixHealth(Message):
    """Quality and age of the newest fix, never where."""

    quality: Name
    age_s: Seconds
    sigma_m: Metres


class Health(Message):
    """How a vehicle is: retained, once a minute or when a word of `troubles` changes. Counters run since the process that counts began.

    (`boot_id`, `monotonic_s`) orders the messages of one start, whatever the clocks say. `watch_age_s` is None if nothing watches.
    """

    version: Literal[1] = 1
    vehicle: VehicleName
    at: SeenAt
    boot_id: UUID
    monotonic_s: Seconds
    software: Version
    pack: PackName | None = None
    redaction: Sha256 | None = None
    calibration_digest: Sha256 | None = None
    calibration_alarm: Name | None = None
    settings_revision: Revision
    desired_refused: Annotated[str, StringConstraints(max_length=200)] = ""
    zones: Sha256 | None = None
    troubles: Annotated[tuple[Name, ...], Field(max_length=32)] = ()
    watch_age_s: Seconds | None = None
    rates_per_s: Annotated[dict[Name, Seconds], Field(max_length=16)] = {}
    gate: Counts = {}
    faults: Counts = {}
    sent: Counts = {}
    temperatures_c: Annotated[dict[Name, Annotated[float, Field(ge=-100, le=300)]], Field(max_length=16)] = {}
    battery_share: Share | None = None
    look_stretch: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)] | None = None
    look_stretched_by: Name | None = None
    disk_free_bytes: Count | None = None
    disk_bytes: Count | None = None
    outbox: OutboxHealth | None = None
    fix: FixHealth | None = None


Url = Annotated[str, StringConstraints(max_length=500, pattern=r"^(https|http|file)://[!-~]+$")]
Setting = Annotated[int, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)] | Finite
SettingName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}\.[a-z_]{1,32}$")]


class PackLink(Message):
    name: Annotated[str, StringConstraints(max_length=64)]
    digest: Sha256
    url: Url


class ZonesLink(Message):
    digest: Sha256
    url: Url


class Desired(Message):
    """What the server wants of a vehicle. Ed25519 `signature` over the deterministic CBOR of all other fields, see `signed_text`."""

    version: Literal[1] = 1
    vehicle: VehicleName
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]
    settings: Annotated[dict[SettingName, Setting], Field(max_length=64)] = {}
    pack: PackLink | None = None
    zones: ZonesLink | None = None
    send_again_since: Instant | None = None
    signature: Annotated[bytes, Field(min_length=64, max_length=64)] | None = None


ADJUSTABLE: dict[str, tuple[type[int] | type[float], float, float]] = {
    "gate.every_m": (float, 0.2, 50), "gate.standing_every_s": (float, 1, 3600), "gate.worst_fix_m": (float, 1, 100),
    "gate.darkest": (float, 0, 255), "gate.sharpest_blur": (float, 0, 10_000), "gate.paused": (int, 0, 1),
    "gate.warm_c": (float, 30, 110), "gate.battery_low": (float, 0, 1), "gate.busy_share": (float, 0.05, 1),
    "decide.least_views": (int, 1, 20), "decide.least_probability": (float, 0, 1), "decide.cool_down_h": (float, 0, 240),
    "decide.cool_down_m": (float, 0.5, 100), "decide.pass_length_m": (float, 50, 5000), "decide.pass_time_s": (float, 30, 3600),
    "decide.pass_stop_s": (float, 10, 3600), "evidence.picture_bytes": (int, 10_000, 200_000),
    "uplink.resend_s": (float, 2, 600), "uplink.in_flight": (int, 1, 20), "health.every_s": (float, 10, 3600),
}  # fmt: skip
"""The settings a server may change from afar, with their bounds: never where a vehicle connects to, by which password, or what it redacts."""
LEAST_PROBABILITY = "least_probability"
"""Besides: `least_probability.<category>`, from 0 to 1, under which a vehicle does not tell a thing of that category."""


def why_not_adjustable(name: str, value: float) -> str:
    """Why a setting may not be given this value from afar; empty if it may."""
    section, _, key = name.partition(".")
    bounds = (float, 0.0, 1.0) if section == LEAST_PROBABILITY and key in CATEGORIES else ADJUSTABLE.get(name)
    if bounds is None:
        return f"{name} cannot be set from afar; these can: {', '.join(ADJUSTABLE)}, {LEAST_PROBABILITY}.<category>"
    kind, least, most = bounds
    if isinstance(value, bool) or (kind is int and not isinstance(value, int)) or not least <= value <= most:
        return f"{name} = {value} is out of its bounds: {'a whole number ' if kind is int else ''}from {least:g} to {most:g}"
    return ""


def signed_text(data: bytes) -> tuple[bytes, bytes]:
    """What of a `desired` message is signed, and its signature (empty if there is none): fields this side does not know are signed too. Raises RefusedMessage."""
    raw = dict(_load(data))
    signature = raw.pop("signature", b"")
    return _dumps(raw), signature if isinstance(signature, bytes) else b""


def topic(vehicle: str, kind: str) -> str:
    """The topic of one kind of message (`sighting`, `coverage`, `ack`, `status`, `health`, `desired`) of one vehicle."""
    return f"trikeye/v{WIRE_VERSION}/{vehicle}/{kind}"


def vehicle_of(topic_name: str) -> tuple[str, str]:
    """Vehicle and kind of a topic. Raises RefusedMessage if it is none of ours."""
    parts = topic_name.split("/")
    if len(parts) != 4 or parts[:2] != ["trikeye", f"v{WIRE_VERSION}"] or not re.fullmatch(VEHICLE_NAME, parts[2]):
        raise RefusedMessage("unknown_topic", f"{topic_name!r} is no topic of version {WIRE_VERSION}")
    return parts[2], parts[3]


def encode(message: Message) -> bytes:
    """Deterministic CBOR of a message. Raises RefusedMessage if it exceeds MAX_MESSAGE_BYTES."""
    data = _dumps(message.model_dump(mode="python", exclude_none=True))
    if len(data) > MAX_MESSAGE_BYTES:
        raise RefusedMessage("too_large", f"the message has {len(data)} bytes, the limit is {MAX_MESSAGE_BYTES}")
    return data


def _dumps(values: Mapping[str, Any]) -> bytes:
    return cbor2.dumps(values, canonical=True, default=_plain, timezone=None, datetime_as_timestamp=False)


def digest_of(data: bytes) -> str:
    """SHA-256 of a message's bytes as published, in hex."""
    return hashlib.sha256(data).hexdigest()


def decode(kind: type[T], data: bytes) -> T:
    """Read one message. Raises RefusedMessage: too_large, not_cbor, unknown_version or malformed."""
    raw = _load(data)
    version = raw.get("version")
    if version != WIRE_VERSION:
        raise RefusedMessage(
            "unknown_version", f"version {version!r} is not spoken here; this side speaks {WIRE_VERSION}"
        )
    try:
        return kind.model_validate(raw)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RefusedMessage("malformed", f"{where}: {first['msg']}") from None


def identity_of(data: bytes) -> UUID | None:
    """The id inside a message that may be malformed otherwise, so that a refusal can name it."""
    try:
        value = _load(data).get("id")
        return value if isinstance(value, UUID) else None
    except RefusedMessage:
        return None


def _refuse_tag(*_: object) -> Any:
    raise ValueError("only times and UUIDs travel as tagged values")


# Big numbers, shared references (a few bytes that unfold into billions of values) and the other types cbor2 would build.
_FOREIGN_TAGS = dict.fromkeys(
    (1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
)


def _load(data: bytes) -> Mapping[str, Any]:
    if len(data) > MAX_MESSAGE_BYTES:
        raise RefusedMessage("too_large", f"the message has {len(data)} bytes, the limit is {MAX_MESSAGE_BYTES}")
    stream = BytesIO(data)
    try:
        raw = cbor2.CBORDecoder(
            stream, max_depth=MAX_NESTING, allow_duplicate_keys=False, strict_hashable_types=True, semantic_decoders=_FOREIGN_TAGS
        ).decode()  # fmt: skip
    except (
        cbor2.CBORDecodeError,
        ValueError,
        TypeError,
        OverflowError,
        RecursionError,
        MemoryError,
        EOFError,
        LookupError,
    ) as wrong:
        raise RefusedMessage("not_cbor", f"the bytes are no CBOR message: {type(wrong).__name__}") from None
    if stream.read(1):
        raise RefusedMessage("not_cbor", "bytes follow after the message")
    if not isinstance(raw, dict):
        raise RefusedMessage("not_cbor", "the message is no map")
    return raw


def _plain(encoder: Any, value: object) -> None:
    raise TypeError(f"{type(value).__name__} cannot travel")

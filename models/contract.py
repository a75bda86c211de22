"""The wire between vehicle and back office, version 1: messages as pydantic models, bytes as deterministic CBOR (RFC 8949).

Unknown fields are ignored; an unknown major version is refused. `id` alone is identity; `digest` is SHA-256 of the bytes as published.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from io import BytesIO
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import UUID

import cbor2
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

UTC = timezone.utc  # noqa: UP017
WIRE_VERSION = 1
MAX_MESSAGE_BYTES = 256 * 1024
MAX_NESTING = 16
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
    model_config = ConfigDict(extra="ignore", frozen=True)


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
    pictures: Annotated[tuple[Picture, ...], Field(min_length=1, max_length=4)]


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


def topic(vehicle: str, kind: str) -> str:
    """The topic of one kind of message (`sighting`, `ack`, `status`) of one vehicle."""
    return f"trikeye/v{WIRE_VERSION}/{vehicle}/{kind}"


def vehicle_of(topic_name: str) -> tuple[str, str]:
    """Vehicle and kind of a topic. Raises RefusedMessage if it is none of ours."""
    parts = topic_name.split("/")
    if len(parts) != 4 or parts[:2] != ["trikeye", f"v{WIRE_VERSION}"] or not re.fullmatch(VEHICLE_NAME, parts[2]):
        raise RefusedMessage("unknown_topic", f"{topic_name!r} is no topic of version {WIRE_VERSION}")
    return parts[2], parts[3]


def encode(message: Message) -> bytes:
    """Deterministic CBOR of a message. Raises RefusedMessage if it exceeds MAX_MESSAGE_BYTES."""
    data = cbor2.dumps(message.model_dump(mode="python", exclude_none=True), canonical=True, default=_plain,
                       timezone=None, datetime_as_timestamp=False)  # fmt: skip
    if len(data) > MAX_MESSAGE_BYTES:
        raise RefusedMessage("too_large", f"the message has {len(data)} bytes, the limit is {MAX_MESSAGE_BYTES}")
    return data


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

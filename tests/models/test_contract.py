"""The wire: bytes that must stay readable for ever, the published schema, and bytes that mean harm."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sightings import message

from models.command_schema import KINDS, SCHEMAS, schema_text
from models.contract import (
    ADJUSTABLE,
    MAX_CELLS,
    MAX_MESSAGE_BYTES,
    Ack,
    CellLook,
    Coverage,
    Desired,
    Health,
    Message,
    RefusedMessage,
    Sighting,
    Status,
    decode,
    encode,
    identity_of,
    packed,
    signed_text,
    why_not_adjustable,
)

GOLDEN = Path(__file__).with_name("golden")
UTC = timezone.utc  # noqa: UP017
NOON = datetime(2026, 11, 2, 12, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=8)))
# Bytes that no JPEG library writes: what the wire promises must not hang on one.
PICTURE = b"\xff\xd8\xff\xe0 a picture's bytes \xff\xd9"

LOOKS = [
    CellLook(0x8C3114D21A9CDFF, 0, 18),
    CellLook(0x8C3114D21A9CFFF, 3, 4),
    CellLook(0x8C3114D21A9E1FF, 2, 9),
    CellLook(0x8C3114D8DA9E1FF, 1, 12),
]


def examples() -> dict[str, Message]:
    """One message of each kind, every field set."""
    data = PICTURE
    sighting = message(
        id=UUID(int=1), outbox=UUID(int=2), sequence=3, pass_id=UUID(int=4), boot_id=UUID(int=5), detail="black bags", settings_revision=6,
        seen_at={"utc": NOON, "source": "gnss", "sigma_s": 0.5}, fix={"utc": NOON, "lat_deg": 37.87, "lon_deg": 112.54, "sigma_m": 1.2, "heading_deg": 77.5, "speed_mps": 4.2, "quality": "gps"},
        pictures=[{"role": "best", "sha256": hashlib.sha256(data).hexdigest(), "width": 320, "height": 180, "box": (40.0, 40.5, 120.0, 140.0), "bytes": data}],
    )  # fmt: skip
    ack = Ack.model_validate(
        {"items": [{"id": UUID(int=1), "digest": "d" * 64, "outcome": "refused", "reason": "malformed: place"}]}
    )
    health = Health.model_validate({
        "vehicle": "TY-01", "at": {"utc": NOON, "source": "ntp", "sigma_s": 1.0}, "boot_id": UUID(int=5), "monotonic_s": 90.5, "software": "0.1.0",
        "pack": {"name": "street", "digest": "b" * 64}, "redaction": "c" * 64, "calibration_digest": "a" * 64, "calibration_alarm": "pitch", "settings_revision": 6,
        "desired_refused": "bad_signature", "zones": "e" * 64, "troubles": ["camera_gone", "backlog"], "watch_age_s": 1.5, "rates_per_s": {"frames": 25.0, "inferred": 1.5},
        "gate": {"not_far_enough": 300, "dark": 2}, "faults": {"camera_gone": 1}, "sent": {"accepted": 12}, "temperatures_c": {"cpu": 61.5},
        "disk_free_bytes": 10**9, "disk_bytes": 10**10, "fix": {"quality": "gnss", "age_s": 0.5, "sigma_m": 1.5},
        "outbox": {"id": UUID(int=2), "committed": 20, "waiting": 3, "aside": 1, "oldest_s": 4000.0, "evicted_count": 3, "evicted": [[7, 8], [3, 3]], "unreadable_count": 1, "unreadable": [[5, 5]]},
    })  # fmt: skip
    desired = Desired.model_validate({
        "vehicle": "TY-01", "revision": 7, "settings": {"gate.every_m": 2.0, "uplink.in_flight": 4}, "send_again_since": NOON, "signature": b"s" * 64,
        "pack": {"name": "street", "digest": "b" * 64, "url": "https://review.example/packs/b"},
        "zones": {"digest": "e" * 64, "url": "https://review.example/zones/e"},
    })  # fmt: skip
    coverage = Coverage.model_validate({
        "id": UUID(int=6), "vehicle": "TY-01", "camera": "front", "origin": "camera", "from_utc": NOON, "to_utc": NOON + timedelta(seconds=60), "clock_source": "gnss",
        **packed(LOOKS),
    })  # fmt: skip
    return {
        "sighting": sighting,
        "coverage": coverage,
        "ack": ack,
        "status": Status(vehicle="TY-01", online=True, at=NOON),
        "health": health,
        "desired": desired,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_messages_on_record_stay_readable_and_are_written_the_same(kind: str) -> None:
    """A vehicle in the field may be years older than the server: these files are never made anew, only added to."""
    on_record = (GOLDEN / f"{kind}.cbor").read_bytes()
    assert decode(KINDS[kind], on_record) == examples()[kind]
    assert encode(examples()[kind]) == on_record


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_schema_is_that_of_the_code(kind: str) -> None:
    assert (SCHEMAS / f"{kind}.json").read_text(encoding="utf-8") == schema_text(kind), "run: trikeye models schema"


LATTICE = st.integers(0, 2**54 - 1).map(lambda n: n * 512 + 511)


@settings(deadline=None)  # the first example also makes the model ready
@given(st.dictionaries(LATTICE, st.tuples(st.integers(0, 3), st.integers(0, 255)), min_size=1, max_size=300))
def test_cells_come_out_of_a_message_as_they_went_in_sorted(cells: dict[int, tuple[int, int]]) -> None:
    looks = [CellLook(cell, *seen) for cell, seen in cells.items()]
    there = examples()["coverage"].model_copy(update=packed(looks))
    assert decode(Coverage, encode(there)).looks == sorted(looks)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("qualities", b"\x00\x03\x02"), ("qualities", b"\x00\x03\x02\x04"), ("ranges_m", b""), ("steps", [1, 0, 5]), ("steps", [1, 2]), ("steps", [1, 2, 2**54]),
        ("steps", [2**54 - 1, 2**54 - 1, 1]), ("steps", [1] * MAX_CELLS), ("first_cell", -1), ("first_cell", 2**63), ("to_utc", NOON - timedelta(seconds=1)), ("clock_source", "sun"),
    ],
)  # fmt: skip
def test_coverage_that_is_not_whole_is_refused(name: str, value: Any) -> None:
    with pytest.raises(RefusedMessage) as refused:
        decode(Coverage, cbor2.dumps(cbor2.loads(encode(examples()["coverage"])) | {name: value}))
    assert refused.value.reason == "malformed"


def test_unknown_fields_are_passed_over() -> None:
    values = cbor2.loads(encode(examples()["sighting"]))
    values |= {"colour": "blue", "place": values["place"] | {"floor": 3}}
    assert decode(Sighting, cbor2.dumps(values)) == examples()["sighting"]


def test_another_major_version_is_refused_by_name() -> None:
    values = cbor2.loads(encode(examples()["ack"])) | {"version": 2}
    with pytest.raises(RefusedMessage, match="this side speaks 1") as refused:
        decode(Ack, cbor2.dumps(values))
    assert refused.value.reason == "unknown_version"


FAR = {"lat_deg": 91.0, "lon_deg": -180.5, "range_m": -1.0, "bearing_deg": 360.0}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *((("place", name), value) for name, value in FAR.items()),
        *((("place", name), bad) for name in FAR for bad in (float("nan"), float("inf"), None, "north")),
        (("place", "covariance_m2"), ((1.0, 2.0), (2.0, 1.0))),
        (("place", "covariance_m2"), ((0.0, 0.0), (0.0, 0.0))),
        (("score",), 1.01), (("probability",), -0.1), (("category",), "../../etc"), (("vehicle",), "TY/01"), (("sequence",), 0), (("sequence",), 2**63),
        (("monotonic_ns",), 2**64 - 1), (("pictures", 0, "sha256"), "0" * 64), (("pictures", 0, "width"), 100_000),
        (("seen_at", "utc"), "2026-11-02T12:00:00"), (("seen_at", "utc"), datetime(1970, 1, 1, tzinfo=UTC)),
        (("seen_at", "utc"), datetime(9999, 12, 31, tzinfo=UTC)), (("redaction",), None), (("fix",), None), (("id",), "not a uuid"),
    ],
)  # fmt: skip
def test_a_value_out_of_its_range_is_refused_and_named(path: tuple[str | int, ...], value: Any) -> None:
    values = examples()["sighting"].model_dump()
    inside: Any = values
    for step in path[:-1]:
        inside = list(inside)[step] if isinstance(step, int) else inside[step]
    inside[path[-1]] = value
    data = cbor2.dumps(values, timezone=UTC)
    with pytest.raises(RefusedMessage) as refused:
        decode(Sighting, data)
    assert refused.value.reason == "malformed"
    assert str(path[0]) in str(refused.value)


def _bomb(levels: int) -> bytes:
    """A few hundred bytes of shared references that unfold into 10^levels values."""
    inner: Any = ["lol"] * 10
    for _ in range(levels):
        inner = [inner] * 10
    out = BytesIO()
    cbor2.CBOREncoder(out, value_sharing=True).encode({"version": 1, "items": inner})
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _bomb(9),
        b"\x81" * 200_000,
        b"\xa1" * 5000 + b"\x01",
        b"\xd8\x25" * 5000,
        b"\x5b\x7f" + b"\xff" * 7,
        b"\x9a\xff\xff\xff\xff",
        b"\xbb\x00\x00\x00\xff\x00\x00\x00\x00",
        b"\xc2\x5a\x00\x03\x00\x00" + b"\xff" * 0x30000,
        cbor2.dumps({"version": 1, "id": cbor2.CBORTag(35, "(a+)+$")}),
        b"\xa2\x67version\x01\x67version\x01",
        cbor2.dumps({"version": 1}) + b"\x00",
        b"\xf6",
        b"",
        b"\xff" * (MAX_MESSAGE_BYTES + 1),
    ],
    ids=["shared bomb", "deep list", "deep map", "deep tags", "huge string", "huge list", "huge map", "huge number", "regex", "double key", "trailing", "null", "nothing", "too large"],
)  # fmt: skip
def test_harmful_bytes_are_refused_quickly(data: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(RefusedMessage):
        decode(Sighting, data)
    assert identity_of(data) is None
    assert time.monotonic() - began < 2


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_do_anything_but_be_read_or_refused(data: bytes) -> None:
    for kind in KINDS.values():
        with pytest.raises(RefusedMessage):
            decode(kind, data)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 255))
def test_a_flipped_byte_is_refused_or_changes_only_values(position: int, value: int) -> None:
    data = bytearray(encode(examples()["sighting"]))
    data[position % len(data)] = value
    assert _reason(bytes(data)) in {"", "not_cbor", "unknown_version", "malformed"}


def _reason(data: bytes) -> str:
    try:
        decode(Sighting, data)
        return ""
    except RefusedMessage as refused:
        return refused.reason


def test_a_message_too_large_to_send_is_never_made() -> None:
    picture = {
        "role": "best",
        "sha256": hashlib.sha256(b"x" * MAX_MESSAGE_BYTES).hexdigest(),
        "width": 32,
        "height": 32,
        "bytes": b"x" * MAX_MESSAGE_BYTES,
    }
    with pytest.raises(RefusedMessage, match="the limit is"):
        encode(message(id=uuid4(), pictures=[picture]))


@given(
    st.dictionaries(st.sampled_from(list(ADJUSTABLE)), st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)),
    st.none() | st.floats(1e9, 6e9).map(lambda at_s: datetime.fromtimestamp(at_s, timezone(timedelta(hours=8)))),
    st.dictionaries(st.text(min_size=9, max_size=20), st.none() | st.booleans() | st.floats(allow_nan=False) | st.binary(max_size=9), max_size=3),
)  # fmt: skip
def test_what_is_signed_is_the_same_text_on_both_sides_also_with_fields_unknown_here(
    wanted: dict[str, float], since: datetime | None, more: dict[str, Any]
) -> None:
    bare = Desired.model_validate({"vehicle": "TY-01", "revision": 1, "settings": wanted, "send_again_since": since})
    sent = cbor2.loads(encode(bare)) | more
    text, none = signed_text(cbor2.dumps(sent, canonical=True))
    assert none == b""
    as_sent = cbor2.dumps(sent | {"signature": b"s" * 64}, canonical=True)
    assert signed_text(as_sent) == (text, b"s" * 64)
    assert signed_text(cbor2.dumps(sent | {"revision": 2}))[0] != text


@pytest.mark.parametrize(
    ("name", "value", "may"),
    [
        ("gate.every_m", 0.2, True), ("gate.every_m", 0.19, False), ("gate.every_m", 50, True), ("decide.least_views", 3, True),
        ("decide.least_views", 3.0, False), ("decide.least_views", True, False), ("gate.every_m", float("nan"), False),
        ("uplink.password", 1, False), ("redact.floor", 1, False), ("uplink.server_key", 1, False),
    ],
)  # fmt: skip
def test_from_afar_only_what_is_listed_may_be_set_within_its_bounds(name: str, value: float, may: bool) -> None:
    assert (why_not_adjustable(name, value) == "") is may

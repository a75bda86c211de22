"""What the server wants: taken if it signed it, newer and within bounds; everything else changes nothing and is counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from signing import PUBLIC, signed

from edge.desired import AGAIN_S, KEPT, ZONES, Orders, RefusedDesired, applied, checked, with_desired, zones_digest
from edge.outbox import Outbox
from edge.settings import Settings
from models.contract import ADJUSTABLE

SETTINGS = Settings.model_validate({"vehicle": {"name": "TY-01"}, "uplink": {"server_key": PUBLIC}})
NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


@pytest.fixture
def orders(tmp_path: Path, outbox: Outbox) -> Orders:
    return Orders(SETTINGS, tmp_path, outbox)


def test_what_is_signed_and_newer_is_applied_kept_and_read_at_the_next_start(orders: Orders, tmp_path: Path) -> None:
    now = orders.take(signed(revision=3, settings={"gate.every_m": 2.5, "decide.least_views": 4}))
    assert now is not None
    assert (now.revision, now.gate.every_m, now.decide.least_views) == (3, 2.5, 4)
    assert (now.gate.darkest, now.uplink) == (SETTINGS.gate.darkest, SETTINGS.uplink)
    assert with_desired(SETTINGS, tmp_path) == now
    again = Orders(SETTINGS, tmp_path, orders.outbox)
    assert again.current is not None
    assert again.current.revision == 3


def test_a_lower_revision_is_ignored_and_the_same_one_is_no_news(orders: Orders) -> None:
    assert orders.take(signed(revision=3))
    assert orders.take(signed(revision=3, settings={"gate.every_m": 9})) is None
    assert orders.take(signed(revision=2)) is None
    assert orders.counts["desired_ignored"] == 1
    assert orders.refused == ""
    later = SETTINGS.model_copy(update={"revision": 8})
    assert Orders(later, orders.folder, orders.outbox).take(signed(revision=8)) is None


def tampered(data: bytes, **changes: Any) -> bytes:
    return cbor2.dumps(cbor2.loads(data) | changes, canonical=True)


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("bad_signature", tampered(signed(revision=5), revision=6)),
        ("bad_signature", tampered(signed(revision=5), settings={"gate.every_m": 9.0})),
        ("bad_signature", tampered(signed(revision=5), signature=bytes(64))),
        ("bad_signature", tampered(signed(revision=5), signature=b"short")),
        ("bad_signature", tampered(signed(revision=5), signature="text")),
        ("bad_signature", tampered(signed(revision=5), added=1)),
        ("bad_signature", signed(Ed25519PrivateKey.generate(), revision=5)),
        ("bad_signature", cbor2.dumps({"version": 1, "vehicle": "TY-01", "revision": 5})),
        ("wrong_vehicle", signed(revision=5, vehicle="TY-02")),
        ("bad_setting", signed(revision=5, settings={"uplink.host": 1})),
        ("bad_setting", signed(revision=5, settings={"gate.every_m": 1000.0})),
        ("bad_setting", signed(revision=5, settings={"decide.least_views": 2.5})),
        ("unknown_version", tampered(signed(revision=5, extra={"version": 2}))),
        ("not_cbor", b"\xff\xff"),
        ("too_large", bytes(300_000)),
    ],
)
def test_what_is_not_the_servers_or_out_of_bounds_changes_nothing_and_is_counted(
    orders: Orders, tmp_path: Path, reason: str, data: bytes
) -> None:
    before = orders.take(signed(revision=3, settings={"gate.every_m": 2.5}))
    kept = (tmp_path / KEPT).read_bytes()
    assert orders.take(data) is None
    assert orders.counts["desired_refused"] == 1
    assert orders.refused.startswith(reason)
    assert (tmp_path / KEPT).read_bytes() == kept
    assert with_desired(SETTINGS, tmp_path) == before
    assert orders.take(signed(revision=4)) is not None
    assert orders.refused == ""


def test_without_a_key_nothing_is_taken(tmp_path: Path, outbox: Outbox) -> None:
    bare = Settings.model_validate({"vehicle": {"name": "TY-01"}})
    assert Orders(bare, tmp_path, outbox).take(signed()) is None
    with pytest.raises(RefusedDesired, match="server_key"):
        checked(signed(), bare)


def test_a_field_of_a_newer_server_is_signed_too_and_passed_over() -> None:
    assert checked(signed(revision=7, extra={"colour": "blue", "nested": {"at": NOW}}), SETTINGS).revision == 7


def test_a_kept_file_that_somebody_changed_is_passed_over(orders: Orders, tmp_path: Path) -> None:
    orders.take(signed(revision=3, settings={"gate.every_m": 2.5}))
    path = tmp_path / KEPT
    path.write_bytes(tampered(path.read_bytes(), settings={"gate.every_m": 40.0}))
    assert with_desired(SETTINGS, tmp_path) == SETTINGS
    path.write_bytes(b"")
    assert with_desired(SETTINGS, tmp_path) == SETTINGS


def test_a_category_is_given_a_least_probability_of_its_own_and_loses_it_again(orders: Orders) -> None:
    now = orders.take(signed(revision=3, settings={"least_probability.waste_pile": 0.55}))
    assert now is not None
    assert (now.least_probability, now.decide) == ({"waste_pile": 0.55}, SETTINGS.decide)
    back = orders.take(signed(revision=4))
    assert back is not None
    assert back.least_probability == {}


@pytest.mark.parametrize("strange", [{"least_probability.unicorn": 0.5}, {"least_probability.waste_pile": 1.5}])
def test_a_least_probability_is_of_a_category_and_a_probability(orders: Orders, strange: dict[str, float]) -> None:
    assert orders.take(signed(revision=3, settings=strange)) is None
    assert orders.refused.startswith("bad_setting")


@pytest.mark.parametrize("name", ADJUSTABLE)
def test_every_adjustable_setting_exists_and_takes_both_its_bounds(name: str) -> None:
    _, least, most = ADJUSTABLE[name]
    for value in (least, most):
        desired = checked(signed(settings={name: value}), SETTINGS)
        section, key = name.split(".")
        assert getattr(getattr(applied(SETTINGS, desired), section), key) == value


def test_no_setting_from_afar_touches_redaction_credentials_or_where_it_connects() -> None:
    assert not [n for n in ADJUSTABLE if n.split(".")[0] in ("redact", "vehicle", "camera", "receiver", "outbox")]
    assert {n for n in ADJUSTABLE if n.startswith("uplink")} == {"uplink.resend_s", "uplink.in_flight"}


def test_what_was_refused_since_an_instant_waits_again(
    orders: Orders, outbox: Outbox, sighting_of: Callable[..., Any]
) -> None:
    seen = {1: NOW - timedelta(hours=5), 2: NOW, 3: NOW}
    for number, at in seen.items():
        at_seen = {"utc": at, "source": "file", "sigma_s": 1.0}
        outbox.put(UUID(int=number), sighting_of(UUID(int=number), seen_at=at_seen))
    for number in (1, 2):
        outbox.set_aside(UUID(int=number), "unknown_category")
    orders.take(signed(revision=2, send_again_since=NOW - timedelta(hours=1)))
    assert [each.id.int for each in outbox.waiting(9)] == [2, 3]
    assert orders.counts["sent_again"] == 1
    outbox.set_aside(UUID(int=2), "unknown_category")
    orders.take(signed(revision=2, send_again_since=NOW - timedelta(hours=1)))
    assert outbox.counts()["aside"] == 2, "each revision asks once"


# Zones


def zones_of(folder: Path, *features: object) -> tuple[str, str]:
    data = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    path = folder / "server-zones.geojson"
    path.write_bytes(data)
    return path.as_uri(), hashlib.sha256(data).hexdigest()


def test_zones_are_fetched_once_and_kept_only_with_the_right_digest(orders: Orders, tmp_path: Path) -> None:
    url, digest = zones_of(tmp_path)
    orders.take(signed(revision=1, zones={"url": url, "digest": digest}))
    zones = orders.zones_due(0.0)
    assert zones is not None
    orders.fetch_zones(zones)
    assert zones_digest(tmp_path) == digest
    assert orders.zones_due(2 * AGAIN_S) is None
    before = (tmp_path / ZONES).read_bytes()
    orders.take(signed(revision=2, zones={"url": url, "digest": "0" * 64}))
    wanted = orders.zones_due(3 * AGAIN_S)
    assert wanted is not None
    orders.fetch_zones(wanted)
    assert (tmp_path / ZONES).read_bytes() == before
    assert "digest" in orders.refused
    assert orders.zones_due(3 * AGAIN_S + 1) is None
    assert orders.zones_due(4 * AGAIN_S + 1) == wanted, "tried again later"


def test_zones_that_nobody_could_drive_by_are_refused_though_the_digest_is_right(orders: Orders, tmp_path: Path) -> None:  # fmt: skip
    url, digest = zones_of(tmp_path, {"type": "Feature", "geometry": None, "properties": {"kind": "depot"}})
    orders.take(signed(revision=1, zones={"url": url, "digest": digest}))
    wanted = orders.zones_due(0.0)
    assert wanted is not None
    orders.fetch_zones(wanted)
    assert "feature 0" in orders.refused
    assert orders.counts["desired_refused"] == 1
    assert zones_digest(tmp_path) is None


@pytest.mark.parametrize("url", ["http://example.org/zones", "file:///nowhere/zones.geojson", "https://127.0.0.1:1/z"])
def test_zones_that_cannot_be_had_or_would_come_in_the_open_change_nothing(orders: Orders, tmp_path: Path, url: str) -> None:  # fmt: skip
    orders.take(signed(revision=1, zones={"url": url, "digest": "0" * 64}))
    wanted = orders.zones_due(0.0)
    assert wanted is not None
    orders.fetch_zones(wanted)
    assert orders.refused.startswith("zones: ")
    assert zones_digest(tmp_path) is None


def test_a_pack_that_is_not_here_is_told_and_the_rest_is_applied(orders: Orders) -> None:
    pack = {"name": "street", "digest": "0" * 64, "url": "https://review.example/packs/0"}
    now = orders.take(signed(revision=1, settings={"gate.every_m": 3.0}, pack=pack))
    assert now is not None
    assert now.gate.every_m == 3.0
    assert now.detect == SETTINGS.detect
    assert orders.refused.startswith("pack: street")

"""The text of pack.toml: what is written is what is read, and what may not be shipped is refused."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from models.training.classes import NAMES
from models.training.packfile import MAX_PACK_BYTES, new_pack, pack_text, read_pack, write_pack


def test_a_pack_reads_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"network")
    pack = new_pack("street-1", tmp_path / "model.onnx", 640, 384)
    pack["card"]["figures"] = {
        "small_ads": {"boxes": 102, "ap50": 0.34},
        "manhole_fault": {"boxes": 5, "ap50": "too few"},
    }
    pack["card"]["notes"] = ['a "quoted" note', "小广告", "a\\b\nc"]
    write_pack(tmp_path, pack)
    assert read_pack(tmp_path) == pack
    assert [label["name"] for label in pack["labels"]] == list(NAMES)
    assert pack["digest"] == "sha256:" + hashlib.sha256(b"network").hexdigest()
    assert not list(tmp_path.glob("*.part"))


def test_a_network_too_large_to_ship_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "model.onnx").open("wb") as file:
        file.truncate(MAX_PACK_BYTES + 1)
    with pytest.raises(ValueError, match="a shipped pack may have"):
        new_pack("street-1", tmp_path / "model.onnx", 640, 384)


def test_a_value_that_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        pack_text({"card": {"x": None}})


def test_an_empty_list_is_a_value_and_no_table() -> None:
    assert tomllib.loads(pack_text({"trained_on": []})) == {"trained_on": []}

"""The units that start trikeye with the machine."""

from __future__ import annotations

import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from needs import need

from trikeye import VERBS

UNITS = sorted((Path(__file__).parents[1] / "docs" / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_verb_that_there_is_again_and_again_and_shut_in(unit: Path, tmp_path: Path) -> None:
    read = ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read(unit)
    service = read["Service"]
    program, room, verb = service["ExecStart"].split()[:3]
    assert (room, verb) in {(each.room, each.name) for each in VERBS}
    assert (service["Restart"], service["User"], service["UMask"]) == ("always", "trikeye", "0077")
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "yes")
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace(program, "/bin/true").replace("User=trikeye", "User=root"))
    analyze = need(
        "/usr/bin/systemd-analyze" if Path("/usr/bin/systemd-analyze").exists() else None,
        "systemd-analyze",
        "install systemd",
    )
    done = subprocess.run([analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60)
    assert unit.name not in done.stderr, done.stderr


def test_the_watch_dumps_no_core_and_is_not_swapped() -> None:
    unit = next(unit for unit in UNITS if unit.stem == "trikeye-watch").read_text().splitlines()
    assert {"LimitCORE=0", "LimitMEMLOCK=infinity", "MemorySwapMax=0"} <= set(unit)


def test_server_and_vehicle_have_their_units() -> None:
    assert [unit.stem for unit in UNITS] == ["trikeye-server", "trikeye-uplink", "trikeye-watch"]


def test_the_install_text_puts_a_vehicle_where_its_units_look_for_it_and_readers_of_both_languages_find_it() -> None:
    docs = Path(__file__).parents[1] / "docs"
    text = (docs / "vehicle.md").read_text()
    for unit in UNITS[1:]:  # the first is the server's
        program, *_, config = unit.read_text().split("ExecStart=")[1].splitlines()[0].split()
        for words in (program, config, f"/docs/systemd/{unit.name}", "useradd --system"):
            assert words in text
    assert 'data = "/var/lib/trikeye"' in text
    for readme in ("README.md", "README.zh.md"):
        assert "(docs/vehicle.md)" in (docs.parent / readme).read_text(encoding="utf-8")

"""What ships was taught by nothing that forbids it, and says of which share nobody knows the terms. Needs no photographs."""

from __future__ import annotations

import pytest

from models.command_show import _lines, card_of
from models.packs import load_pack, shipped_packs
from models.training.sets import SOURCES, TERMS_ALLOWED

STRICT_ENOUGH = ("shipped", "strict")


@pytest.mark.parametrize("name", shipped_packs())
def test_a_shipped_packs_recorded_policy_allows_every_set_that_taught_it(name: str) -> None:
    card = load_pack(name).card
    assert card["licence_policy"] in STRICT_ENOUGH
    assert card["sets"], "no set is recorded"
    for row in card["sets"]:
        assert row["terms"] in TERMS_ALLOWED[card["licence_policy"]], row
        assert row["terms"] != "noncommercial", row
        if row["set"] in SOURCES:
            assert row["terms"] == SOURCES[row["set"]].terms, f"{row['set']} is of other terms than sources.toml says"


@pytest.mark.parametrize("name", shipped_packs())
def test_the_card_lists_the_sets_of_unstated_terms_with_their_share(name: str) -> None:
    pack = load_pack(name)
    rows = pack.card["sets"]
    assert sum(row["pictures_share"] for row in rows) == pytest.approx(1, abs=0.01)
    assert all(row["pictures"] > 0 for row in rows)
    printed = "\n".join(_lines(card_of(pack), by=False))
    for row in rows:
        if row["terms"] == "unstated":
            assert f"{row['set']:12} unstated" in printed
            assert f"{row['pictures_share']:.1%} of them" in printed


def test_no_policy_that_ships_allows_what_forbids_commercial_use() -> None:
    assert all("noncommercial" not in TERMS_ALLOWED[policy] for policy in STRICT_ENOUGH)

"""The card and what is asked about it as a reviewer at a desk sees them: whole, at one place, and with keys that mean one thing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from browsing import DESK, PHONE, Deal, Open, card, press, shown
from playwright.sync_api import Page, expect

from models.pixels import decode_jpeg, encode_jpeg
from models.taxonomy import CATEGORIES
from server import pictures
from server.accounts.models import User
from server.cases.models import Picture
from server.categories.services import STREET, measured
from server.review.rules import likely

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOTH = pytest.mark.parametrize("language", ["zh-hans", "en"])
CUT_OFF = """([kinds, rows]) => rows.filter(([category, likely, name, meaning]) => {
  kinds.querySelector("[data-now]").textContent = name;
  kinds.querySelector("[data-meaning]").textContent = meaning;
  Object.assign(document.querySelector(".card:not([hidden])").dataset, { category, likely });
  document.querySelector("[data-do=change]").click();
  const list = kinds.querySelector(".grid"), end = list.lastElementChild.getBoundingClientRect().bottom, isCut = list.children.length !== 9 || !end || end > list.getBoundingClientRect().bottom;
  kinds.close();
  return isCut;
}).map(([category]) => category)"""


@BOTH
def test_the_nine_likeliest_are_whole_for_every_category(language: str, open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    deal(1)
    page = open_page("/review/", reviewer, language)
    shown(page)
    seen = measured(STREET)[1]
    rows = [[key, " ".join(likely(key, [], seen)), own.name(language), own.meaning(language)] for key, own in CATEGORIES.items()]  # fmt: skip
    assert page.evaluate(CUT_OFF, [page.locator("#kinds").element_handle(), rows]) == []


@BOTH
def test_a_correction_has_its_keys_for_itself_and_nothing_lies_over_it(
    language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(2)
    page = open_page("/review/", reviewer, language)
    first = shown(page)
    press(page, "f")
    expect(card(page)).not_to_have_attribute("data-case", str(first))
    shown(page)
    press(page, "c")
    panel = page.locator("#mend")
    expect(panel).to_be_visible()
    expect(panel.locator("[data-do=larger]")).to_be_hidden()
    for deed in ("undo", "skip", "unsure", "reject", "change"):
        expect(page.locator(f".bar [data-do={deed}] kbd").first).to_be_hidden()
    expect(page.locator(".bar [data-do=confirm] kbd")).to_be_visible()
    expect(page.locator("#tools kbd:visible")).to_have_count(0)
    sizes = (
        r"每步每边 \d+ 像素 · 方框 \d+ × \d+ 像素"
        if language != "en"
        else r"Each step: \d+ px a side · Box \d+ × \d+ pixels"
    )
    expect(panel).to_contain_text(re.compile(sizes), use_inner_text=True)
    told, room = page.locator("#live").bounding_box(), panel.bounding_box()
    assert told
    assert room
    assert told["y"] + told["height"] <= room["y"], "what is told lies over the correction"
    press(page, "Escape")
    expect(page.locator(".bar [data-do=reject] kbd").first).to_be_visible()


def levels(page: Page) -> list[float]:
    """How bright the picture's seven stripes are, of 255."""
    picture = decode_jpeg(card(page).locator(".view img").first.screenshot(type="jpeg", quality=100))
    height, width = picture.shape[:2]
    middle = picture[height // 8 : height // 6].mean(axis=(0, 2))
    return [float(middle[round(width * (2 * each + 1) / 14)]) for each in range(7)]


def test_a_picture_gets_lighter_in_its_shadows_and_then_more_contrast_and_burns_in_neither(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    stripes = np.array([10, 40, 80, 128, 170, 210, 235], np.uint8)
    deal(1)
    pictures.path_of(Picture.objects.get().sha256).write_bytes(
        encode_jpeg(np.repeat(np.repeat(stripes, 46)[None, :, None], 180, 0).repeat(3, 2))
    )
    page = open_page("/review/", reviewer, "en")
    shown(page)
    press(page, "q")
    plain = levels(page)
    assert plain == pytest.approx(stripes.tolist(), abs=6)
    press(page, "v")
    expect(page.locator("#live")).to_have_text("Brightness 2 of 3: brighter shadows")
    lifted = levels(page)
    assert lifted[0] > 2 * plain[0]
    assert lifted[1] > 1.6 * plain[1]
    assert plain[-1] < lifted[-1] < 250
    press(page, "v")
    expect(page.locator("#live")).to_have_text("Brightness 3 of 3: more contrast")
    strong = levels(page)
    assert strong[4] - strong[2] > 1.25 * (plain[4] - plain[2])
    assert strong[-1] < 253
    assert sorted(strong) == strong
    press(page, "v")
    expect(page.locator("#live")).to_have_text("Brightness 1 of 3: as it was taken")
    assert levels(page) == pytest.approx(plain, abs=2)


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
@BOTH
def test_the_facts_of_a_card_break_between_words_that_belong_together(
    language: str, device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    facts = card(page).locator(".facts")
    expect(facts.locator(".tag .mark")).to_have_class(f"mark mark-{CATEGORIES['bagged_garbage'].severity}")
    assert facts.locator(".tag .mark").evaluate("(each) => each.getBoundingClientRect().width") > 5
    lack = facts.get_by_text("路名：尚无本市道路数据" if language != "en" else "Street: no road data of this city yet")
    expect(lack).to_have_class(re.compile("small"))
    expect(facts).to_contain_text("位置误差 ±" if language != "en" else "position ±")
    for row in facts.locator(".row").all():
        assert "·" not in row.inner_text(), "a separator belongs to what comes after it"
        assert (
            row.evaluate(
                "(row) => new Set([...row.children].map((each) => Math.round(each.getBoundingClientRect().bottom))).size"
            )
            == 1
        )


def test_a_small_picture_keeps_its_thing_in_sight(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(1)
    Picture.objects.update(box=[290, 60, 318, 90])
    page = open_page("/review/", reviewer)
    shown(page)
    assert card(page).locator(".thumb img").first.evaluate("(each) => getComputedStyle(each).objectPosition").startswith("100%")  # fmt: skip


@BOTH
def test_the_help_says_what_the_other_pictures_are_and_how_the_cards_are_ordered(
    language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, language)
    shown(page)
    press(page, "?")
    words = page.locator("#help").inner_text()
    wanted = (
        ("a moment earlier or later", "beside the box", "multiplied", "one card in ten")
        if language == "en"
        else ("早晚片刻", "框外", "三者相乘", "一成")
    )
    assert [each for each in wanted if each not in words] == []
    if language != "en":
        assert re.findall(r"[。；：，] |[一-鿿] ?\(", words) == []

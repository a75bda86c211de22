"""The supervisor's pages of review in headless Chromium: disputes, gold cards, hidden faces; at both sizes, in both languages."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from browsing import DESK, PASSWORD, PHONE, Deal, Open, assert_fit_for_all
from django.utils import timezone
from playwright.sync_api import Page, expect

from server.accounts.models import User
from server.cases.models import Case, Picture
from server.review import gold
from server.review.corrections import Correction
from server.review.models import Dispute, Gold, Look, ZoneProposal
from server.review.services import decide, lease

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESSES = ("/review/disputes/", "/review/gold/", "/review/faces/")


@pytest.fixture
def chief(db: None) -> User:
    return User.objects.create_user("zhao", password=PASSWORD, role="supervisor")


@pytest.fixture
def disputed(deal: Deal, reviewer: User, colleague: User, settings: Any) -> list[Case]:
    """Two cases in dispute, one said to be permitted, one with a face, one mended."""
    cards, now = deal(6), timezone.now()
    settings.SECOND_SHARE = 1.0
    lease(reviewer, now, 10)
    sha256 = Picture.objects.filter(sighting__case=cards[0]).values_list("sha256", flat=True)[0]
    drawn = Correction((30.0, 30.0, 150.0, 160.0), sha256)
    decide(reviewer, uuid4(), cards[0].pk, "confirm", now, correction=drawn)
    decide(reviewer, uuid4(), cards[1].pk, "reject", now, reason=2, words="a wall with a pattern")
    lease(colleague, now, 10)
    decide(
        colleague,
        uuid4(),
        cards[0].pk,
        "reject",
        now,
        reason=9,
        words="this is the stall of the corner shop, folded up for the night",
    )
    decide(colleague, uuid4(), cards[1].pk, "confirm", now, category="waste_pile")
    settings.SECOND_SHARE = 0.0
    decide(reviewer, uuid4(), cards[2].pk, "reject", now, reason=3, words="weekly market")
    decide(reviewer, uuid4(), cards[3].pk, "reject", now, reason=8)
    Case.objects.filter(id=cards[4].pk).update(state="fixed")
    Case.objects.filter(id=cards[5].pk).update(state="verified")
    return cards


def kept(page: Page, name: str) -> None:
    """A picture of the page, where somebody wants to look at it."""
    if folder := os.environ.get("TRIKEYE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_the_pages_are_fit_for_all_full_and_empty(
    device: dict[str, Any], language: str, open_page: Open, disputed: list[Case], chief: User, reviewer: User
) -> None:
    mended = Case.objects.get(id=disputed[4].pk)
    gold.make(chief, mended, "confirm", mended.category, timezone.now())
    page = open_page(ADDRESSES[0], chief, language, **device)
    size = "phone" if device is PHONE else "desk"
    for address in ADDRESSES:
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        kept(page, f"{address.strip('/').replace('/', '_')}-{size}-{language}")
        assert_fit_for_all(page, f"{address} {size} {language}")
    Look.objects.all().delete()
    Dispute.objects.all().delete()
    ZoneProposal.objects.all().delete()
    Gold.objects.all().delete()
    Case.objects.update(state="rejected")
    page.goto(ADDRESSES[0])
    expect(page.locator(".nothing")).to_have_count(2)
    kept(page, f"review_disputes_empty-{size}-{language}")
    assert_fit_for_all(page, f"empty {size} {language}")
    page.goto(ADDRESSES[1])
    expect(page.locator(".nothing")).to_have_count(2)


def test_a_supervisor_settles_disputes_by_keyboard_and_reads_who_said_what(open_page: Open, disputed: list[Case], chief: User) -> None:  # fmt: skip
    page = open_page("/review/disputes/", chief, "en")
    expect(page.locator(".dispute")).to_have_count(2)
    expect(page.locator(".dispute").first.locator("svg.corrected")).to_have_count(1)
    assert "wang" not in page.content()
    page.get_by_role("button", name="The second holds").first.press("Enter")
    expect(page.locator(".dispute:not(.is-settled)")).to_have_count(1)
    first = page.locator(".dispute").first
    expect(first.locator("#settled-now")).to_be_focused()
    expect(first.locator("#settled-now a")).to_have_attribute("href", f"/cases/{disputed[0].number}/")
    expect(first.locator(".answers button")).to_have_count(0)
    expect(page.locator("table.standings")).to_contain_text("wang")
    assert Case.objects.get(id=disputed[0].pk).state == "rejected"
    page.wait_for_timeout(800)
    page.locator(".dispute summary").press("Enter")
    page.locator("[name=answer]").select_option("confirm")
    page.locator("[name=category]").select_option("road_damage")
    page.get_by_role("button", name="This holds").press("Enter")
    expect(page.locator(".dispute:not(.is-settled)")).to_have_count(0)
    expect(page.locator(".dispute.is-settled")).to_have_count(2)
    kept(page, "review_disputes_settled-desk-en")
    assert_fit_for_all(page, "settled just now")
    page.wait_for_timeout(800)
    other = Case.objects.get(id=disputed[1].pk)
    assert (other.state, other.category) == ("confirmed", "road_damage")
    page.get_by_role("button", name="Not permitted").press("Enter")
    expect(page.get_by_text("No proposal waits.")).to_be_visible()
    expect(page.locator(".told")).to_contain_text("Noted as not permitted")


def test_two_clicks_on_one_spot_settle_one_dispute(open_page: Open, disputed: list[Case], chief: User) -> None:
    page = open_page("/review/disputes/", chief, "en")
    page.locator("[name=outcome][value=first]").first.dblclick()
    expect(page.locator("#settled-now")).to_be_visible()
    page.locator("[name=outcome][value=first]").first.click()
    expect(page.locator("#settled-now")).to_be_visible()
    assert Dispute.objects.filter(settled_at=None).count() == 1
    Case.objects.filter(id=disputed[1].pk).update(state="handed_over")
    page.goto("/review/disputes/")
    page.locator("[name=outcome][value=second]").click()
    expect(page.get_by_role("heading", name="back from the city?")).to_be_visible()
    assert_fit_for_all(page, "a dispute asked once more")
    assert Dispute.objects.filter(settled_at=None).count() == 1
    page.get_by_role("link", name="No, back").click()
    expect(page.locator("[name=outcome][value=second]")).to_be_visible()


def test_all_pictures_of_a_dispute_are_leafed_through_and_a_reason_is_asked_for_a_rejection_alone(open_page: Open, disputed: list[Case], chief: User) -> None:  # fmt: skip
    first, second = (Picture.objects.filter(sighting__case=case).first() for case in disputed[:2])
    assert first is not None
    assert second is not None
    Picture.objects.create(sighting=first.sighting, sha256=second.sha256, role="near", width=second.width, height=second.height, jpeg_bytes=1)  # fmt: skip
    Case.objects.filter(pk=disputed[0].pk).update(state="handed_over")
    page = open_page("/review/disputes/", chief, "en", **PHONE)
    dispute = page.locator(".dispute").first
    expect(dispute.locator(".turns output")).to_have_text("1 / 2")
    dispute.get_by_role("button", name="next").click()
    expect(dispute.locator(".turns output")).to_have_text("2 / 2")
    with page.context.expect_page() as whole:
        dispute.locator(".slides a").last.click()
    assert whole.value.url.endswith(f"{second.sha256}.jpg")
    dispute.locator("summary").click()
    expect(dispute.locator("[name=reason]")).to_be_hidden()
    expect(dispute.locator("[name=category]")).to_be_visible()
    dispute.locator("[name=answer]").select_option("reject")
    expect(dispute.locator("[name=reason]")).to_be_visible()
    expect(dispute.locator("[name=category]")).to_be_hidden()
    expect(dispute.locator(".other .warning.if-reject")).to_be_visible()
    assert_fit_for_all(page, "a dispute that rejects")
    page.locator(".dispute").last.locator("[value=first]").click()
    cells = page.locator("table.settled tbody tr").first.locator("td")
    expect(cells).to_have_count(5)
    boxes = [box for each in cells.all() if (box := each.bounding_box())]
    assert all(above["y"] + above["height"] <= below["y"] + 0.5 for above, below in pairwise(boxes)), boxes


def test_a_supervisor_makes_a_mended_case_gold_and_opens_a_hidden_picture(open_page: Open, disputed: list[Case], chief: User) -> None:  # fmt: skip
    page = open_page("/review/gold/", chief, "en")
    page.get_by_role("button", name="Make it gold").last.press("Enter")
    expect(page.get_by_role("button", name="Retire")).to_have_count(1)
    page.get_by_role("button", name="Retire").press("Enter")
    expect(page.get_by_role("button", name="Retire")).to_have_count(0)
    page.goto("/review/faces/")
    page.get_by_role("button", name="Open picture 1").press("Enter")
    expect(page.locator("img.face")).to_be_visible()
    assert_fit_for_all(page, "a hidden picture")
    page.get_by_role("link", name="Back", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Open picture 1")).to_be_visible()

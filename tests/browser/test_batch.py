"""Twelve cards at once: only where it is proven, only after all were seen, and what looks different is taken out."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from browsing import DESK, PHONE, Deal, Open, assert_fit_for_all, press, shown
from playwright.sync_api import Page, expect
from sightings import jpeg

from server.accounts.models import User
from server.cases.models import Case
from server.cases.rules import State
from server.review.models import Batch, Verdict

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PROVEN = 300


@pytest.fixture
def proven(send: Any, colleague: User) -> None:
    """So many answers of a colleague, all of them right, that twelve may be answered together."""
    send(north_m=2000.0, outbox=UUID(int=999), picture=jpeg(99))
    case = Case.objects.get()
    Case.objects.filter(id=case.pk).update(state=State.CONFIRMED)
    Verdict.objects.bulk_create(
        Verdict(id=uuid4(), case=case, person=colleague, city=case.city, answer="confirm", proposed=case.category, probability=0.9)
        for _ in range(PROVEN)
    )  # fmt: skip


def open_batch(page: Page) -> Any:
    shown(page)
    page.locator("#batch-button").click()
    batch = page.locator("#batch")
    expect(batch).to_be_visible()
    return batch


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_twelve_are_confirmed_but_for_what_was_taken_out(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, proven: None, reviewer: User
) -> None:
    deal(20)
    page = open_page("/review/", reviewer, language, **device)
    batch = open_batch(page)
    cells = batch.locator(".cell")
    expect(cells).to_have_count(12)
    widths = cells.evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().width)")
    assert min(widths) >= (220 if device is DESK else 130)
    confirm = batch.locator("[data-batch=confirm]")
    expect(confirm).to_have_attribute("aria-disabled", "true")
    if device is DESK:
        press(page, "Enter", "3", "Minus")
        expect(batch).to_be_visible()
    else:
        cells.nth(2).tap()
        cells.nth(10).tap()
        cells.nth(11).scroll_into_view_if_needed()
        for number in range(12):
            cells.nth(number).scroll_into_view_if_needed()
    assert_fit_for_all(page, "batch")
    out = {int(each) for each in batch.locator(".cell[aria-pressed=true]").evaluate_all("(all) => all.map((each) => each.dataset.case)")}  # fmt: skip
    all_twelve = {int(each) for each in cells.evaluate_all("(all) => all.map((each) => each.dataset.case)")}
    assert len(out) == 2
    for number in range(12):
        cells.nth(number).scroll_into_view_if_needed()
    expect(confirm).to_have_attribute("aria-disabled", "false", timeout=8000)
    expect(confirm).to_contain_text("10")
    with page.expect_response("**/review/batch") as answer:
        if device is DESK:
            batch.locator("h2").focus()
            press(page, "Enter")
        else:
            confirm.tap()
    assert answer.value.json()["decided"] == 10
    expect(page.locator("#live")).to_have_text(re.compile(r"^(confirmed: 10, undo is free for 60 s|已确认: 10，60 秒内可直接撤销)$"))  # fmt: skip
    done = Batch.objects.get(done_at__isnull=False)
    assert done.shown_ms >= 4000
    confirmed = Verdict.objects.filter(person=reviewer, answer="confirm")
    assert set(confirmed.values_list("case", flat=True)) == all_twelve - out
    assert Case.objects.filter(id__in=out, state=State.QUEUED).count() == 2


def test_what_cannot_be_answered_together_says_why(open_page: Open, deal: Deal, reviewer: User) -> None:
    """There is no history yet; Esc leads back to the card, whose keys count again."""
    deal(14)
    page = open_page("/review/", reviewer, "en")
    shown(page)
    press(page, "b")
    expect(page.locator("#batch-why")).to_contain_text("98 in 100")
    assert_fit_for_all(page, "no batch")
    press(page, "f", "Escape")
    shown(page)
    press(page, "f")
    expect(page.locator("#unsent")).to_be_hidden()
    assert Verdict.objects.count() == 1


def test_twelve_are_rejected_with_one_reason(open_page: Open, deal: Deal, proven: None, reviewer: User) -> None:
    deal(20)
    page = open_page("/review/", reviewer)
    batch = open_batch(page)
    batch.locator("#batch-reason").select_option("7")
    reject = batch.locator("[data-batch=reject]")
    expect(reject).to_have_attribute("aria-disabled", "false", timeout=8000)
    with page.expect_response("**/review/batch"):
        reject.click()
    expect(page.locator("#live")).to_have_text("已驳回（已经清理）: 12")
    mine = Verdict.objects.filter(person=reviewer)
    assert set(mine.values_list("answer", "reason")) == {("reject", 7)}
    assert mine.count() == 12
    press(page, "Escape")
    expect(batch).to_be_hidden()
    press(page, "a")
    expect(page.locator("#live")).to_have_text("已撤销 12 件")
    shown(page)
    assert not mine.filter(undone_at=None).exists()

"""A scripted reviewer at the real page in Chromium: from the key that answers a card to the next one painted with its picture decoded, and how many a minute.

The next key is pressed as soon as the page takes it and the picture is decoded. Most cards are confirmed, one in four is rejected, one in twenty left unsure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from typing import Any

import numpy as np
from review_parts import NotMeasured, chromium, pages, said, share, signed_in

from demo.made import padded
from models.pixels import encode_jpeg
from server.start import start

WIDTH, HEIGHT, PICTURE_BYTES = 1280, 720, 60_000
WAITED_MS = 1000
WATCH = """() => {
  const painted = window.painted = [], cards = document.getElementById("cards");
  let key = 0, shown = cards.querySelector(".card:not([hidden])").dataset.case;
  document.addEventListener("keydown", (e) => { key = e.timeStamp; }, true);
  new MutationObserver(async () => {
    const card = cards.querySelector(".card:not([hidden])");
    if (!card || card.dataset.case === shown) return;
    shown = card.dataset.case;
    const pressed = key;
    await card.querySelector(".view img").decode();
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => painted.push(performance.now() - pressed);
      after.port2.postMessage(0);
    });
  }).observe(cards, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
}"""
READY = """(count) => {
  const picture = document.querySelector(".card:not([hidden]) .view img");
  return window.painted.length >= count && document.querySelector("[data-do=confirm]").getAttribute("aria-disabled") === "false" && picture?.complete && picture.naturalWidth > 0;
}"""


def give_pictures(count: int) -> None:
    """Pictures as vehicles send them for the first cards of the queue and the cases near these."""
    from server import pictures
    from server.cases.models import Case, Picture
    from server.review.near import NEAR_M
    from server.review.rules import UNDECIDED

    chance = np.random.default_rng(1)
    base = [_picture(chance) for _ in range(8)]
    queued = Case.objects.filter(state__in=UNDECIDED, shadow=False).order_by("-priority", "id")
    lat = NEAR_M / 111_195
    shown: set[int] = set()
    for case in queued[:count]:
        around = {
            "lat_deg__range": (case.lat_deg - lat, case.lat_deg + lat),
            "lon_deg__range": (case.lon_deg - 2 * lat, case.lon_deg + 2 * lat),
        }
        near = Case.objects.filter(city_id=case.city_id, category=case.category, **around)
        shown |= {case.pk, *near.values_list("id", flat=True)}
    rows = Picture.objects.filter(sighting__case__in=shown)
    for number, row in enumerate(rows):
        data = padded(base[number % len(base)], number.to_bytes(8, "big"), PICTURE_BYTES)
        row.sha256 = hashlib.sha256(data).hexdigest()
        path = pictures.path_of(row.sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    Picture.objects.bulk_update(rows, ["sha256"], batch_size=200)


def _picture(chance: np.random.Generator) -> bytes:
    """Blocks of all sizes: a JPEG somewhat smaller than a street's."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for _ in range(150):
        y, x = chance.integers(0, HEIGHT), chance.integers(0, WIDTH)
        picture[y : y + chance.integers(20, 200), x : x + chance.integers(20, 200)] = chance.integers(0, 255, 3)
    return encode_jpeg(picture, quality=70)


def wait_ready(page: Any, number: int) -> None:
    """Come back when the page takes an answer to card `number`. Raises NotMeasured with what the page says."""
    from playwright.sync_api import TimeoutError as TooLate

    try:
        page.wait_for_function(READY, arg=number)
    except TooLate:
        said = " ".join(page.locator("#review").inner_text().split())[:300]
        raise NotMeasured(
            f"after {number} cards the page takes no answer, and {page.evaluate('painted.length')} were painted: {said}"
        ) from None


def decide(page: Any, count: int) -> tuple[list[float], float, int]:
    """Ms from key to paint of each card, seconds in all, and before how many cards the reviewer had to wait."""
    chance, waits = random.Random(1), 0
    page.wait_for_selector("[data-do=confirm][aria-disabled=false]")
    page.evaluate(WATCH)
    began = time.monotonic()
    for number in range(count):
        before = time.monotonic()
        wait_ready(page, number)
        waits += 1000 * (time.monotonic() - before) > WAITED_MS
        lot = chance.random()
        for key in ("s",) if lot < 0.05 else ("d", "2") if lot < 0.3 else ("f",):
            page.keyboard.press(key)
    wait_ready(page, count)
    took_s = time.monotonic() - began
    page.wait_for_selector("#unsent", state="hidden")
    return page.evaluate("window.painted"), took_s, waits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", type=int, default=200, help="to be decided (default: %(default)s)")
    count = parser.parse_args().cards
    start()
    from server.review.models import Verdict

    give_pictures(2 * count)
    verdicts = Verdict.objects.count()
    with pages() as address, chromium() as browser:
        context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
        context.set_default_timeout(60_000)
        context.add_cookies([{"name": "sessionid", "value": signed_in("reviewer"), "url": address}])
        page = context.new_page()
        page.goto("/review/")
        painted_ms, took_s, waits = decide(page, count)
    if Verdict.objects.count() != verdicts + count or len(painted_ms) != count:
        raise NotMeasured(f"{count} cards were decided, {len(painted_ms)} painted, and {Verdict.objects.count() - verdicts} verdicts are in the database")  # fmt: skip
    print(
        f"{count} cards in {took_s:.0f} s: {said(painted_ms)}; {waits} times the reviewer waited over {WAITED_MS} ms for a card"
    )
    p50, p95 = share(painted_ms, 0.5), share(painted_ms, 0.95)
    print(json.dumps({"next_card_p50_ms": round(p50, 1), "next_card_p95_ms": round(p95, 1), "decisions_per_minute": round(60 * count / took_s)}))  # fmt: skip


if __name__ == "__main__":
    main()

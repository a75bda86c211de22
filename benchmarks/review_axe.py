"""What axe finds serious or critical on every page, in both languages and sizes, by day and (contrast) by night; and what the queue page loads at first.

A page of the back office that is named neither in PAGES nor in NO_PAGE stops the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from review_cards import give_pictures
from review_parts import NotMeasured, chromium, pages, signed_in

from server.start import start

SIZES: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
}  # fmt: skip
LANGUAGES = ("zh-hans", "en")
SERIOUS = ("serious", "critical")
PAGES = {
    "login": ("", "/login/"),
    "review_queue": ("reviewer", "/review/"),
    "review_mine": ("reviewer", "/review/mine/"),
    "my_keys": ("reviewer", "/me/keys/"),
    "account": ("reviewer", "/account/"),
    "review_disputes": ("supervisor", "/review/disputes/"),
    "review_gold": ("supervisor", "/review/gold/"),
    "review_faces": ("auditor", "/review/faces/"),
    "quality": ("supervisor", "/quality/"),
    "quality_category": ("supervisor", "/quality/category/bagged_garbage/"),
    "quality_vehicle": ("supervisor", "/quality/vehicle/TY-001/"),
    "case_print": ("reviewer", "/cases/{number}/print/"),
    "case_list": ("reviewer", "/cases/"),
    "case": ("reviewer", "/cases/{number}/"),
    "categories": ("supervisor", "/categories/"),
    "coverage": ("fleet", "/coverage/"),
    "vehicles": ("fleet", "/fleet/"),
    "users": ("admin", "/users/"),
    "audit": ("auditor", "/audit/"),
    "dashboard": ("supervisor", "/dashboard/"),
    "report": ("auditor", "/report/2026-11/"),
    "case_map": ("supervisor", "/cases/map/"),
}
"""Role and address of each page by its name in the addresses of the back office."""
MORE = (
    ("reviewer", "/review/?filter=shadow"),
    ("reviewer", "/cases/?filter=shadow&state=queued"),
    ("fleet", "/review/"),
    ("city", "/dashboard/"),
    ("city", "/cases/map/?state=all"),
)
NO_PAGE = {"home", "case_hand_over", "case_merge", "case_note", "case_reopen", "case_retract", "case_split", "quality_threshold", "review_face", "review_faces_show", "case_peek", "cases_geojson", "roads_geojson", "case_export", "logout", "language", "health", "picture", "picture_signed", "review_lease", "review_renew", "review_give_back", "review_verdicts",
           "review_undo", "review_nothing", "review_broken", "review_batch", "review_batch_lease", "review_feedback", "review_same", "session", "login_code", "login_enrol", "login_recovery", "login_password", "audit_csv", "audit_erase", "coverage_cells", "city_status"}  # fmt: skip
DIALOGS = {"d": "#reasons", "r": "#kinds", "g": "#merge", "n": "#note", "b": "#batch", "?": "#help"}


def names(patterns: Any) -> Iterator[str]:
    """The names of all addresses that may be pages: those for other programs are none."""
    from server.roles import is_for_programs

    for each in patterns:
        if hasattr(each, "url_patterns"):
            yield from () if each.namespace == "api" else names(each.url_patterns)
        elif each.name and not is_for_programs(each.name):
            yield each.name


def serious(page: Any, where: str) -> int:
    """How many rules are broken seriously; each is printed once, with one place."""
    found: dict[str, str] = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        options = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
        for each in Axe().run(page, options=options).response["violations"]:
            if each["impact"] in SERIOUS:
                found[f"{each['id']} ({scheme})"] = each["nodes"][0]["html"][:100]
    for rule, place in found.items():
        print(f"{where}: {rule}: {place}")
    return len(found)


def looked_at(browser: Any, address: str, number: int) -> tuple[int, int]:
    """How many pages were looked at in how many ways, and the sum of what is serious."""
    asked = [*((role, path.format(number=number)) for role, path in PAGES.values()), *MORE]
    count, total = 0, 0
    sessions = {role: signed_in(role) for role in {role for role, _ in asked} if role}
    for size, device in SIZES.items():
        for language in LANGUAGES:
            for role, path in asked:
                context = browser.new_context(base_url=address, **device)
                cookies = {"trikeye_language": language} | ({"sessionid": sessions[role]} if role else {})
                context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
                page = context.new_page()
                page.goto(path)
                where = f"{path} as {role or 'nobody'}, {language}, {size}"
                keys = DIALOGS if path == "/review/" and role == "reviewer" else {}
                if keys:
                    page.wait_for_selector("[data-do=confirm][aria-disabled=false]")
                total += serious(page, where)
                for key, dialog in keys.items():
                    page.keyboard.press(key)
                    page.wait_for_selector(dialog)
                    total += serious(page, f"{where}, {dialog}")
                    page.keyboard.press("Escape")
                count += 1 + len(keys)
                context.close()
    return count, total


def first_load(browser: Any, address: str) -> tuple[float, list[str]]:
    """KB transferred for the queue page by a browser that was never here, its pictures aside, and what came from elsewhere."""
    context = browser.new_context(base_url=address)
    context.add_cookies([{"name": "sessionid", "value": signed_in("reviewer"), "url": address}])
    page = context.new_page()
    wire, asked, bytes_ = context.new_cdp_session(page), dict[str, str](), dict[str, float]()
    wire.send("Network.enable")
    wire.on("Network.requestWillBeSent", lambda e: asked.update({e["requestId"]: e["request"]["url"]}))
    wire.on("Network.loadingFinished", lambda e: bytes_.update({e["requestId"]: e["encodedDataLength"]}))
    page.goto("/review/")
    page.wait_for_selector("[data-do=confirm][aria-disabled=false]")
    page.wait_for_load_state("networkidle")
    context.close()
    own = urlsplit(address).netloc
    elsewhere = [url for url in asked.values() if not url.startswith("data:") and urlsplit(url).netloc != own]
    page_bytes = {asked[each]: size for each, size in bytes_.items() if "/pictures/" not in asked[each]}
    for url, size in sorted(page_bytes.items(), key=lambda item: -item[1])[:3]:
        print(f"{urlsplit(url).path}: {size / 1000:.0f} KB")
    return sum(page_bytes.values()) / 1000, elsewhere


def main() -> None:
    start()
    from django.urls import get_resolver

    from server.cases.models import Case

    unknown = set(names(get_resolver().url_patterns)) - PAGES.keys() - NO_PAGE
    if unknown:
        raise NotMeasured(f"pages that benchmarks/review_axe.py does not know: {', '.join(sorted(unknown))}; add them to PAGES or NO_PAGE")  # fmt: skip
    give_pictures(100)
    best = Case.objects.filter(state="queued", shadow=False).order_by("-priority", "id")[0]
    with pages() as address, chromium() as browser:
        kb, elsewhere = first_load(browser, address)
        count, total = looked_at(browser, address, best.number)
    print(f"{count} views of pages and dialogs, {total} rules broken; {kb:.0f} KB at first, from elsewhere: {', '.join(elsewhere) or 'nothing'}")  # fmt: skip
    if elsewhere:
        raise NotMeasured("the queue page loads something from another origin")
    print(json.dumps({"axe_serious": total, "first_load_kb": round(kb)}))


if __name__ == "__main__":
    main()

"""One Chromium a worker, pages in it, and cards to decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from browsing import DESK, PASSWORD, Deal, Open
from office import first_look_alone as first_look_alone
from office import nothing_remembered as nothing_remembered
from office import own_folders as own_folders
from office import quick_passwords as quick_passwords
from office import reviewer as reviewer
from office import send as send
from office import vehicle as vehicle
from playwright.sync_api import Browser, Page, sync_playwright
from sightings import jpeg

if TYPE_CHECKING:  # a conftest is read before there are models
    from server.accounts.models import User
    from server.cases.models import Case


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all files; each page has a context of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture
def errors() -> list[str]:
    """What the consoles complained of; a test that expects complaints clears it."""
    return []


@pytest.fixture
def open_page(browser: Browser, live_server: Any, errors: list[str]) -> Iterator[Open]:
    """A page in a browser of its own, signed in as `person`; in the end no console may have complained."""
    from django.test import Client

    contexts = []

    def open_(address: str, person: User | None = None, language: str = "zh-hans", **device: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, timezone_id="Asia/Shanghai", **(device or DESK))
        context.set_default_timeout(15_000)
        contexts.append(context)
        cookies = {"trikeye_language": language}
        if person:
            client = Client()
            client.force_login(person)
            cookies["sessionid"] = client.cookies["sessionid"].value
        context.add_cookies([{"name": n, "value": v, "url": live_server.url} for n, v in cookies.items()])
        page = context.new_page()
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def deal(send: Any) -> Deal:
    """Put cards into the queue, each with a picture of its own."""

    def deal_(count: int) -> list[Case]:
        from django.utils import timezone

        from server.cases.models import Case
        from server.cases.rules import State
        from server.screening.services import screen_new

        for number in range(count):
            send(east_m=60.0 * number, outbox=UUID(int=number + 1), picture=jpeg(number))
        screen_new(timezone.now())
        return list(Case.objects.filter(state=State.QUEUED).order_by("-priority", "id"))

    return deal_


@pytest.fixture
def colleague(db: None) -> User:
    """A second reviewer."""
    from server.accounts.models import User

    return User.objects.create_user("li", password=PASSWORD, role="reviewer")

"""The scripted people of a demo without people: a reviewer who signs in over HTTP and knows the street, and a city officer who clicks "fixed"."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone
from uuid import UUID

import httpx

from demo.login import Login, SignIn
from demo.score import Spot, is_real
from edge.identity import uuid7

ATTRIBUTE = re.compile(r'data-(case|category|lat|lon)="([^"]*)"')


class Reviewer:
    """Signs in by the forms, takes cards as the page's script does, answers from the truth, or confirms all where there is none."""

    def __init__(self, base_url: str, login: Login, problems: list[Spot] | None) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=20, follow_redirects=True, trust_env=False)
        self._login, self._problems, self._way_in = login, problems, SignIn(self._http)
        self._token = ""

    def sign_in(self) -> None:
        """Fill in the forms. Raises RuntimeError if they are refused."""
        self._way_in.enter(self._login)
        page = self._http.get("/review/")
        found = re.search(r'data-token="([^"]+)"', page.text)
        if page.status_code != 200 or not found:
            raise RuntimeError("the reviewer could not sign in")
        self._token = found[1]

    def review_some(self) -> int:
        """Take one lease of cards and answer each; how many there were."""
        answer = self._http.post("/review/lease", headers={"X-CSRFToken": self._token})
        answer.raise_for_status()
        done = 0
        for article in answer.text.split("<article")[1:]:
            values = dict(ATTRIBUTE.findall(article.split(">", 1)[0]))
            verdict = {"id": str(_new_id()), "case": values["case"], "visible_ms": "400"}
            shows = self.shows(values, article)
            verdict |= {"answer": "confirm", "category": shows} if shows else {"answer": "reject", "reason": "2"}
            self._http.post("/review/verdicts", headers={"X-CSRFToken": self._token}, data=verdict).raise_for_status()
            done += 1
        return done

    def shows(self, values: dict[str, str], article: str) -> str:
        """The category of what a card shows, as one who knows the street says it, "" if nothing is wrong: `values` are the card's attributes, `article` is all of its HTML."""
        seen = Spot(int(values["case"]), values["category"], float(values["lat"]), float(values["lon"]))
        return seen.category if self._problems is None or is_real(self._problems, seen) else ""


def fix_first(city_url: str) -> bool:
    """Open the city's page and click "fixed" on its first case; False while there is none."""
    with httpx.Client(base_url=city_url, timeout=10, trust_env=False) as http:
        page = http.get("/").text
        number, token = re.search(r'action="/matter/(\d+)"', page), re.search(r'name="token" value="([^"]+)"', page)
        if not number or not token:
            return False
        return http.post(f"/matter/{number[1]}", data={"token": token[1], "status": "fixed"}).status_code == 303


def _new_id() -> UUID:
    return uuid7(datetime.now(timezone.utc), secrets.token_bytes(10))  # noqa: UP017

"""What leaves for a city, when it is tried again, and which of the city's words move a case. Pure."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from models.deadlines import Deadline, WorkCalendar, deadline
from models.taxonomy import city_codes
from server.cases.rules import State
from server.categories.rules import category_of, codes_of
from server.places.rules import words_of


class HandoverKind(StrEnum):
    CONFIRMED = "case.confirmed"
    RETRACTED = "case.retracted"


class HandoverState(StrEnum):
    WAITING = "waiting"
    RECEIPTED = "receipted"
    FAILED = "failed"
    CANCELLED = "cancelled"


RETRIES_S = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
SENT_IN = (State.CONFIRMED, State.HANDED_OVER, State.ACCEPTED, State.REOPENED)
"""A case in another state is not sent: the message waits until the case is confirmed again, or is withdrawn."""
MATTER_FIELDS = ("SXDM", "SXMC", "ZGBMDM", "ZGBMMC", "SFWZ", "SZDYWGBSM")
STATUS_TO_STATE = {"accepted": State.ACCEPTED, "returned": State.RETURNED, "fixed": State.FIXED}
LARGEST_BODY, LONGEST_PLACE = 20_000, 256
LONGEST_WAIT_S = 86_400


def pause_before(attempt: int, retry_after_s: float | None = None) -> timedelta:
    """How long to wait before try number `attempt` (1 = the first repeat), with jitter; the city's own wish counts if longer, up to a day."""
    base = RETRIES_S[min(attempt, len(RETRIES_S)) - 1]
    return timedelta(seconds=max(base * random.uniform(0.9, 1.2), min(retry_after_s or 0, LONGEST_WAIT_S)))


def due_of(category_key: str, city_key: str, since: datetime) -> Deadline | None:
    """Until when a city means to have dealt with a case that it has had since then, in the time zone of `since`; None where the category has no deadline."""
    category, known = category_of(category_key), city_codes(city_key)
    if category.deadline_h is None or category.deadline_clock is None:
        return None
    return deadline(since, category.deadline_h, category.deadline_clock, known.calendar if known else WorkCalendar())


def case_body(
    case: dict[str, Any], city_key: str, division_code: str, picture_url: str, now_iso: str
) -> dict[str, Any]:
    """The data of a `case.confirmed` message; `case` holds number, category, place and its names (`named`), times, and the box of
    the problem in its picture as shares of width and height (x1, y1, x2, y2), None if there is none."""
    category = category_of(case["category"])
    local = city_codes(city_key)
    codes = [code.model_dump() for code in codes_of(category.key)]
    standard = next(
        (code["code"] for code in codes if code["scheme"] == "GB/T 47678.5" and code["kind"] == "event"), ""
    )
    text, text_en = (words_of(case["named"], language) for language in ("zh", "en"))
    matter = dict.fromkeys(MATTER_FIELDS, "")
    matter["SXMC"], matter["SFWZ"], matter["SZDYWGBSM"] = category.name_zh, text[:LONGEST_PLACE], case["named"].grid
    if standard and division_code:
        matter["SXDM"] = division_code + standard
    return {
        "case_number": case["number"], "category": category.key, "name_zh": category.name_zh, "name_en": category.name_en, "codes": codes,
        "local_code": (local.local.get(category.key, "") if local else ""), "severity": category.severity,
        "place": {"lat": case["lat_deg"], "lon": case["lon_deg"], "crs": "WGS-84", "error_m": case["error_m"], "placed_by": case["placed_by"], "text": text, "text_en": text_en, "grid": case["named"].grid},
        "seen_at": case["seen_at"], "confirmed_at": now_iso, "matter": matter, "picture_url": picture_url, "picture_box": case["picture_box"], "origin": case["origin"],
    }  # fmt: skip

"""Codes of the database in the reader's words. Pure: a code and its details in, a phrase out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from server.audit.rules import Verb
from server.cases.rules import State
from server.categories.rules import Standing, category_of
from server.city.rules import HandoverKind, HandoverState
from server.review.rules import REASONS


def category_name(key: str) -> str:
    """A category; one that was retired goes by its key."""
    return category_of(key).name(get_language() or "zh-hans")


def state_name(state: str, *, in_dispute: bool = False) -> str:
    """A state of a case; `in_dispute`: two answers differ, rather than one person being unsure."""
    if in_dispute and state == State.DISPUTED:
        return pgettext("state", "disputed")
    return {
        State.NEW: pgettext("state", "new"), State.SET_ASIDE: pgettext("state", "set aside"), State.QUEUED: pgettext("state", "to review"),
        State.CONFIRMED: pgettext("state", "confirmed"), State.REJECTED: pgettext("state", "rejected"), State.DISPUTED: pgettext("state", "unsure, to be looked at again"),
        State.HANDED_OVER: pgettext("state", "handed over"), State.ACCEPTED: pgettext("state", "accepted by the city"),
        State.RETURNED: pgettext("state", "returned by the city"), State.FIXED: pgettext("state", "fixed"), State.RETRACTED: pgettext("state", "retracted"),
        State.VERIFIED: pgettext("state", "verified"), State.REOPENED: pgettext("state", "reopened"), State.MERGED: pgettext("state", "merged"),
    }[State(state)]  # fmt: skip


def standing_name(standing: str) -> str:
    """How a category stands."""
    return {
        Standing.SHADOW: pgettext("standing", "in shadow"),
        Standing.TRIAL: pgettext("standing", "sandbox alone"),
        Standing.LIVE: pgettext("standing", "live"),
    }[Standing(standing)]


def gate_reason_name(reason: str) -> str:
    """Why a vehicle did not look at a picture; a newer vehicle's reason stays as it is."""
    return {
        "no_fix": pgettext("gate", "no position"), "poor_fix": pgettext("gate", "poor position"), "not_far_enough": pgettext("gate", "not moved"),
        "dark": pgettext("gate", "dark"), "blurred": pgettext("gate", "blurred"), "glare": pgettext("gate", "glare"), "blocked": pgettext("gate", "lens blocked"),
        "depot": pgettext("gate", "in the depot"), "outside_area": pgettext("gate", "outside the area"), "over_budget": pgettext("gate", "too slow"),
    }.get(reason, reason.replace("_", " "))  # fmt: skip


def stretch_name(reason: str) -> str:
    """Why a vehicle looks less often than it was told to; a newer vehicle's reason stays as it is."""
    why = {"heat": pgettext("stretch", "heat"), "battery": pgettext("stretch", "battery low")}.get(reason, reason.replace("_", " "))  # fmt: skip
    return pgettext("stretch", "rarer: %(why)s") % {"why": why}


def clock_name(source: str) -> str:
    """What a vehicle's time comes from."""
    return {
        "gnss": pgettext("clock", "satellites"), "ntp": pgettext("clock", "time server"), "system": pgettext("clock", "unchecked"),
        "file": pgettext("clock", "recording"), "none": pgettext("clock", "not set"),
    }[source]  # fmt: skip


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    if seconds < 60:
        return _("%(number)d s") % {"number": seconds}
    if seconds < 3600:
        return _("%(number)d min") % {"number": seconds // 60}
    if seconds < 86400:
        return _("%(number)d h") % {"number": seconds // 3600}
    return _("%(number)d d") % {"number": seconds // 86400}


def direction_name(bearing_deg: float) -> str:
    """The nearest of eight directions to a bearing, clockwise from north."""
    names = (
        pgettext("direction", "north"), pgettext("direction", "north-east"), pgettext("direction", "east"), pgettext("direction", "south-east"),
        pgettext("direction", "south"), pgettext("direction", "south-west"), pgettext("direction", "west"), pgettext("direction", "north-west"),
    )  # fmt: skip
    return names[round(bearing_deg / 45) % 8]


def severity_name(severity: str) -> str:
    """A severity of a category."""
    return {"low": pgettext("severity", "low"), "medium": pgettext("severity", "medium"), "high": pgettext("severity", "high"),
            "critical": pgettext("severity", "critical")}[severity]  # fmt: skip


def answer_name(answer: str, reason: int | None = None) -> str:
    """An answer of a reviewer, with the reason of a rejection."""
    name = {"confirm": _("confirmed"), "reject": _("rejected"), "unsure": _("unsure"), "skip": _("skipped")}[answer]
    return _("%(answer)s (%(reason)s)") % {"answer": name, "reason": REASONS[reason]} if reason else name


def screening_name(reason: str) -> str:
    """Why screening would have set a case aside; empty if it would not."""
    return {"": "", "rejected_before": _("rejected at this place before"), "picture_unusable": _("picture unusable"), "hopeless": _("a second look does not bear it out")}.get(reason, reason)  # fmt: skip


def handover_name(kind: str) -> str:
    """What a message to the city is."""
    return {
        HandoverKind.CONFIRMED: pgettext("handover", "the case"),
        HandoverKind.RETRACTED: pgettext("handover", "its retraction"),
    }[HandoverKind(kind)]


def retraction_words(reason: str) -> str:
    """Why a city was told that a case is taken back: a person's own words, or the software's in the reader's language."""
    if (found := re.fullmatch(r"the same as case (\d+)", reason)) is not None:
        return _("the same as case %(number)s") % {"number": found[1]}
    return {
        "rejected by a reviewer": _("rejected by a reviewer"), "a supervisor rejected it": _("a supervisor rejected it"), "of another category": _("of another category"),
        "undone by the reviewer": _("its answer was taken back"), "its category is shadow now": _("its category is in shadow now"),
    }.get(reason, reason)  # fmt: skip


def handover_state_name(state: str) -> str:
    """How far a message to the city has come."""
    return {
        HandoverState.WAITING: pgettext("handover", "to be sent"),
        HandoverState.RECEIPTED: pgettext("handover", "received"),
        HandoverState.FAILED: pgettext("handover", "refused for good"),
        HandoverState.CANCELLED: pgettext("handover", "cancelled"),
    }[HandoverState(state)]


def city_status_name(status: str) -> str:
    """What a city says of a case."""
    return {
        "accepted": pgettext("city status", "accepted"),
        "returned": pgettext("city status", "returned"),
        "fixed": pgettext("city status", "fixed"),
    }[status]


def person_name(person: Any) -> str:
    """How a person is called: who is no longer there is told as a former colleague."""
    return str(person.username) if person.is_active else _("former colleague")


def kind_name(kind: str) -> str:
    """To what something was done; a kind without a name goes by its word."""
    return {
        "case": pgettext("kind", "case"), "sighting": pgettext("kind", "sighting"), "picture": pgettext("kind", "picture"), "user": pgettext("kind", "person"),
        "vehicle": pgettext("kind", "vehicle"), "destination": pgettext("kind", "destination"), "category": pgettext("kind", "category"),
        "places": pgettext("kind", "place names"), "handover": pgettext("kind", "hand-over"), "token": pgettext("kind", "token"), "export": pgettext("kind", "export"), "backup": pgettext("kind", "backup"), "sign_in": pgettext("kind", "sign-in"),
    }.get(kind, kind)  # fmt: skip


def deed_name(verb: str) -> str:
    """What was done."""
    return {
        Verb.CASE_OPENED: _("Case opened"), Verb.CASE_MOVED: _("State"), Verb.CASE_MERGED: _("Cases merged"), Verb.CASE_SPLIT: _("Case split"), Verb.NOTE_ADDED: _("Note written"), Verb.NOTE_STRUCK: _("Note struck out"),
        Verb.SIGHTING_TAKEN: _("Sighting received"), Verb.VERDICT: _("Verdict"),
        Verb.DISPUTE_OPENED: _("Two answers that differ"), Verb.DISPUTE_SETTLED: _("Settled by a supervisor"),
        Verb.GOLD_MADE: _("Made a gold card"), Verb.GOLD_RETIRED: _("No gold card any more"), Verb.ZONE_ANSWERED: _("Proposal of a zone answered"), Verb.HIDDEN_OPENED: _("Hidden picture opened"), Verb.HIDDEN_SHOWN: _("Hidden picture shown again"),
        Verb.UNDO: _("Verdict taken back"), Verb.HANDOVER_MADE: _("Hand-over prepared"), Verb.HANDOVER_HURRIED: _("Hand-over tried again at once"), Verb.HANDOVER_RECEIPTED: _("Received by the city"),
        Verb.CITY_STATUS: _("The city says"), Verb.DESTINATION_DISABLED: _("Destination switched off"), Verb.CATEGORY_PUT: _("Category's standing changed"), Verb.PLACES_IMPORTED: _("Place names imported"), Verb.CASES_EXPORTED: _("Cases exported"), Verb.VEHICLE_ADDED: _("Vehicle added"),
        Verb.VEHICLE_REVOKED: _("Vehicle revoked"), Verb.VEHICLE_DESIRED: _("Vehicle's settings changed"), Verb.THRESHOLD_WANTED: _("Threshold wanted of vehicles"), Verb.PICTURE_REPORTED: _("Picture reported as broken"), Verb.PICTURE_WELL: _("Report of a broken picture taken back"), Verb.USER_ADD: _("Person added"), Verb.USER_PASSWORD: _("Password renewed"),
        Verb.USER_PLACED: _("Person's role or city changed"), Verb.USER_IN_USE: _("Person reactivated"), Verb.USER_OUT_OF_USE: _("Person deactivated"), Verb.FACTOR_MADE: _("Second factor made"), Verb.FACTOR_RESET: _("Second factor reset"), Verb.FACTOR_FORGOTTEN: _("A second factor removed by its owner"), Verb.RECOVERY_RENEWED: _("Recovery codes renewed"),
        Verb.SIGNED_IN: _("Signed in"), Verb.CODE_REFUSED: _("Code refused"), Verb.PASSWORD_REFUSED: _("Wrong password"), Verb.NAMES_REFUSED: _("Sign-in with names that nobody has"), Verb.SIGN_IN_SLOWED: _("Sign-in slowed down after wrong tries"), Verb.PICTURE_OPENED: _("Picture opened from outside"), Verb.PICTURES_ERASED: _("Pictures erased"), Verb.AUDIT_READ: _("Audit exported"),
        Verb.TOKEN_ADDED: _("Token added"), Verb.TOKEN_REVOKED: _("Token revoked"), Verb.BACKED_UP: _("Backup made"), Verb.RESTORED: _("Restored from a backup"),
    }[Verb(verb)]  # fmt: skip


def _relabelled(answer: str, old: str, new: str) -> str:
    """An answer that made a case another category, and of another severity if that one is."""
    if not old:
        return _("%(answer)s as %(category)s") % {"answer": answer, "category": category_name(new)}
    told = _("%(answer)s, category changed from “%(old)s” to “%(new)s”") % {"answer": answer, "old": category_name(old), "new": category_name(new)}  # fmt: skip
    was, became = category_of(old).severity, category_of(new).severity
    if was == became:
        return told
    return _("%(told)s, severity from %(was)s to %(became)s") % {"told": told, "was": severity_name(was), "became": severity_name(became)}  # fmt: skip


def happened(verb: str, detail: Mapping[str, Any]) -> str:
    """One line of a case's history."""
    deed = deed_name(verb)
    if verb == Verb.CASE_MERGED:
        return _("Case %(number)d was merged into this one") % {"number": detail["merged"]}
    if verb == Verb.CASE_SPLIT and "undone" in detail:
        return _("The merge of case %(number)d was taken back; its sightings are there again") % {"number": detail["undone"]}  # fmt: skip
    if verb == Verb.CASE_SPLIT and "split_from" in detail:
        return _("Split off from case %(number)d, under its old number again") % {"number": detail["split_from"]}
    if verb == Verb.CASE_SPLIT:
        return _("Split: some sightings are case %(number)d now") % {"number": detail["new"]}
    if verb == Verb.CASE_OPENED and "split_from" in detail:
        return _("Split off from case %(number)d") % {"number": detail["split_from"]}
    if verb == Verb.CASE_MOVED:
        return _("%(deed)s: %(old)s → %(new)s") % {"deed": deed, "old": state_name(detail["old"]), "new": state_name(detail["new"], in_dispute=detail["old"] != State.QUEUED)}  # fmt: skip
    if verb == Verb.VERDICT:
        what = answer_name(detail["answer"], detail.get("reason"))
        if detail.get("into"):
            what = _("merged into case %(number)s") % {"number": detail["into"]}
        if detail.get("new"):
            what = _relabelled(what, detail.get("old", ""), detail["new"])
        line = _("%(deed)s: %(what)s") % {"deed": deed, "what": what}
        return line if detail.get("counted", True) else line + " · " + _("second opinion")
    if verb == Verb.CITY_STATUS:
        line = _("%(deed)s: %(what)s") % {"deed": deed, "what": city_status_name(detail["status"])}
        if detail.get("text"):
            line += " · " + _("in its words: %(words)s") % {"words": detail["text"]}
        return line if detail.get("applied", True) else line + " · " + _("changed nothing")
    if verb in (Verb.HANDOVER_MADE, Verb.HANDOVER_HURRIED, Verb.HANDOVER_RECEIPTED) and "kind" in detail:
        told = {"to": detail["to"], "what": handover_name(detail["kind"])}
        if verb == Verb.HANDOVER_MADE:
            return _("To be sent to %(to)s: %(what)s") % told
        return (_("Received by %(to)s: %(what)s") if verb == Verb.HANDOVER_RECEIPTED else _("Sent to %(to)s again at once: %(what)s")) % told  # fmt: skip
    return deed

"""First look: from a case to whether a person should see it, and how soon. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

SEVERITY_WEIGHT = {"low": 1.0, "medium": 2.0, "high": 4.0, "critical": 8.0}
SMALLEST_BOX_PX = 10.0
DARKEST, BLURRED = 12.0, 4.0


@dataclass(frozen=True)
class Seen:
    """What screening knows of a case. `picture` None: it cannot be opened; else brightness, sharpness, short side of the box in pixels."""

    number: int
    probability: float
    severity: str
    rejected_here: bool
    picture: tuple[float, float, float] | None


@dataclass(frozen=True)
class Screened:
    """Show it or not, why not, whether it is one of the random share, and its priority."""

    show: bool
    reason: str
    blind: bool
    priority: float


def screen(seen: Seen, blind_share: float) -> Screened:
    """Two rules: rejected at this place before; picture unusable. A random share of what they set aside is shown all the same."""
    reason = ""
    if seen.rejected_here:
        reason = "rejected_before"
    elif seen.picture is None:
        reason = "picture_unusable"
    else:
        brightness, sharpness, short_px = seen.picture
        if brightness < DARKEST or sharpness < BLURRED or short_px < SMALLEST_BOX_PX:
            reason = "picture_unusable"
    lot = int.from_bytes(hashlib.sha256(f"blind {seen.number}".encode()).digest()[:4], "big") / 2**32
    blind = bool(reason) and lot < blind_share
    return Screened(not reason or blind, reason, blind, seen.probability * SEVERITY_WEIGHT.get(seen.severity, 1.0))

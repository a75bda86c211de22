"""What is a problem only where it stands: the rules as data, and what they ask. Pure; edge/context.py says what stands, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

STANDS_WITHIN_M, WHILE_DRIVEN_M = 1.0, 5.0
"""A thing stands if it moves less than the one while the vehicle drives at least the other."""
PERSON = "person"
TWO_WHEELERS = frozenset({"bicycle", "motorcycle"})
CARS = frozenset({"car", "bus", "truck"})
FURNITURE = frozenset({"umbrella", "chair", "dining_table"})


BICYCLE_LONG_M, BICYCLE_WIDE_M = 1.9, 0.6
"""Networks draw one box around bicycles that stand close together: if it is wider than one is long, they stand side by side in it."""


@dataclass(frozen=True)
class Rule:
    """Things of these labels break it inside zones of one kind, or outside all zones of another where the city has any. Those within
    `within_m` of one are one problem together, if they are `least`; a rule with `beside_m` asks for a person so near."""

    category: str
    labels: frozenset[str]
    inside: str = ""
    outside: str = ""
    least: int = 1
    within_m: float = 0.0
    beside_m: float = 0.0


RULES = (
    Rule("misparked_shared_bike", frozenset({"bicycle"}), outside="parking", least=4, within_m=3.0),
    Rule("misparked_two_wheeler", TWO_WHEELERS, inside="no_parking"),
    Rule("misparked_car", CARS, inside="no_parking"),
    Rule("roadside_stall", FURNITURE, inside="no_vending", within_m=3.0, beside_m=2.0),
)
"""A thing is told by the first rule that it breaks: a bicycle of a heap is not told again by itself."""
KINDS = (TWO_WHEELERS, CARS, FURNITURE, frozenset({PERSON}))
"""Labels among which a network may waver over one thing."""


def kind_of(label: str) -> str:
    """The name of the kind that a label belongs to, empty for what no rule asks about."""
    return next((min(kind) for kind in KINDS if label in kind), "")


def grouped(label: str) -> Rule | None:
    """The rule by which things of this label make one problem together."""
    return next((rule for rule in RULES if rule.within_m and label in rule.labels), None)


def held(label: str, width_m: float) -> int:
    """How many things a box of this label and width on the ground holds."""
    return int(width_m / BICYCLE_WIDE_M) if label == "bicycle" and width_m > BICYCLE_LONG_M else 1


def asked(has: Callable[[str], bool]) -> tuple[Rule, ...]:
    """The rules for which a city has zones; `has` tells whether it has any of a kind."""
    return tuple(rule for rule in RULES if has(rule.inside or rule.outside))


def forbidden(rule: Rule, lies_in: Callable[[str], bool]) -> bool:
    """Whether a rule holds at a place; `lies_in` tells whether the place lies in a zone of a kind."""
    if rule.inside and not lies_in(rule.inside):
        return False
    return not (rule.outside and lies_in(rule.outside))

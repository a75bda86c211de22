"""How far apart looks are: farther when the machine is hot or its battery low, and never so close that nothing else gets to run. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings import Gate as GateSettings

MOST = 3.0
"""Beyond 4.5 m between looks, things are seen too seldom to be told."""
HEAT_C, BATTERY_SHARE = 10.0, 0.2
"""Over so many degrees, and so much of the battery, looks move apart from every metre that is set to MOST times it."""
COOLER_C, FULLER_SHARE = 3.0, 0.05
"""Looks come closer again only when it is so much better: at one border they would go to and fro."""
RECENT = 0.1
"""The weight of the last look in what a look costs."""


@dataclass(frozen=True)
class Stretch:
    """By how much looks are farther apart, by heat and by battery; 1 is as set."""

    heat: float = 1.0
    battery: float = 1.0

    @property
    def factor(self) -> float:
        return max(self.heat, self.battery)

    @property
    def reason(self) -> str:
        """`heat`, `battery`, or nothing."""
        return "" if self.factor <= 1.0 else "heat" if self.heat >= self.battery else "battery"


def stretched(before: Stretch, hottest_c: float | None, battery_share: float | None, settings: GateSettings) -> Stretch:
    """What holds from now on. What cannot be measured stretches nothing."""

    def by_heat(less_c: float) -> float:
        return 1.0 if hottest_c is None else _part(hottest_c + less_c - settings.warm_c, HEAT_C)

    def by_battery(less: float) -> float:
        return 1.0 if battery_share is None else _part(settings.battery_low - battery_share + less, BATTERY_SHARE)

    return Stretch(
        _between(by_heat(0.0), before.heat, by_heat(COOLER_C)),
        _between(by_battery(0.0), before.battery, by_battery(FULLER_SHARE)),
    )


def cost_s(before_s: float, took_s: float) -> float:
    """What a look costs, from what it did and what the last one took."""
    return took_s if before_s == 0.0 else before_s + RECENT * (took_s - before_s)


def least_apart_s(look_s: float, settings: GateSettings) -> float:
    """How far apart in time looks must be, so that they keep a processor busy for no more than its allowed share."""
    return look_s / settings.busy_share


def _part(over: float, full: float) -> float:
    return 1.0 + (MOST - 1.0) * min(1.0, max(0.0, over / full))


def _between(least: float, before: float, most: float) -> float:
    """Up at once, down only to what would hold if it were a little worse."""
    return min(max(least, before), most)

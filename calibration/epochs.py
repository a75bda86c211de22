"""What a receiver's sentences say of one instant, joined into a position, and how sure that is."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

from calibration.gnss import EARLIEST_UTC, Position, believable_mps, is_on_earth
from calibration.reports import Report
from calibration.sentences import CountBad

UTC = timezone.utc  # noqa: UP017
DAY_S = 86400.0
PLACES = ("PVT", "TPV", "GGA", "GNS", "RMC", "GLL")
"""Sentences that tell a position, the surest first."""
MOTIONS = ("PVT", "TPV", "RMC")
WHOLE = frozenset(("PVT", "TPV"))
"""Sentences that leave nothing of their instant to be waited for."""
AWAITED = frozenset(("PVT", "GGA", "GNS", "RMC"))
UERE_M = {"": 4.0, "dgps": 2.0, "float": 0.5, "rtk": 0.02}
"""What one HDOP is worth in a street, by the aid a receiver has; geodesy text books give 3 to 5 without."""
UNSAID_HDOP = 1.5
LEAST_M = {"": 0.5, "dgps": 0.5, "float": 0.1, "rtk": 0.02}
FLAT_SHARE, FEW_SHARE, FEW = 2.0, 2.0, 5
"""A height that is guessed moves the place too; four satellites leave no fifth to contradict them."""
GST_LASTS_S = 2.0
RESTART_S = 5.0
"""Time that goes back by more is that of a receiver which started again; by less it only wavers."""


class Epochs:
    """Takes reports in the order they were said; gives one position for each instant of which none says that there is no fix.

    It waits for what the last two instants had, so a position comes with the sentence that completes it, else with the next instant.
    """

    def __init__(self, count_bad: CountBad) -> None:
        self._count_bad = count_bad
        self._open: dict[str, Report] = {}
        self._second: float | None = None
        self._is_told = False
        self._usual: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
        self._is_flat = False
        self._gst: Report | None = None
        self._t_s = self._axis_s = 0.0
        self._last_second: float | None = None

    def take(self, report: Report) -> list[Position]:
        """The positions that this report completes: that of the instant before, that of its own, or none."""
        if report.kind == "GSA":
            self._is_flat = bool(report.is_flat)
            return []
        if report.kind == "GST":
            self._gst = report
            return []
        done = []
        if report.second_of_day is not None and report.second_of_day != self._second:
            done = self.flush()
            self._second = report.second_of_day
        self._open.setdefault(report.kind, report)
        awaited = self._usual[0] | self._usual[1]
        if WHOLE & self._open.keys() or (awaited and awaited <= self._open.keys()):
            done += self._told()
        return done

    def flush(self) -> list[Position]:
        """End the open instant: its position, if it was not told yet."""
        done = self._told()
        if self._open:
            self._usual = (self._usual[1], AWAITED & self._open.keys())
        self._open, self._is_told = {}, False
        return done

    def _told(self) -> list[Position]:
        if self._is_told or not self._open or self._second is None:
            return []
        self._is_told = True
        place = next((self._open[kind] for kind in PLACES if kind in self._open), None)
        if place is None or not all(report.has_fix for report in self._open.values()):
            return []
        lat_deg, lon_deg = place.lat_deg, place.lon_deg
        if lat_deg is None or lon_deg is None or not is_on_earth(lat_deg, lon_deg):
            return []
        motion = next((self._open[kind] for kind in MOTIONS if kind in self._open), place)
        speed_mps = believable_mps(motion.speed_mps)
        utc = self._utc(self._second)
        return [Position(
            self._on_axis(self._second), lat_deg, lon_deg, self._sigma_m(), None if speed_mps is None else motion.course_deg,
            speed_mps, utc, "rtk" if self._said("aid") == "rtk" else "gnss", utc is not None and utc >= EARLIEST_UTC,
            None, motion.speed_sigma_mps,
        )]  # fmt: skip

    def _said(self, what: str) -> object:
        """What the surest sentence of the instant that says it says; empty counts as unsaid."""
        values = (getattr(self._open[kind], what) for kind in PLACES if kind in self._open)
        return next((each for each in values if each not in (None, "")), None)

    def _sigma_m(self) -> float:
        """By the receiver's own word, else by HDOP; wider without a height of its own and with few satellites."""
        aid = str(self._said("aid") or "")
        own = self._said("sigma_m") or self._of_gst()
        hdop = self._said("hdop") or UNSAID_HDOP
        assert isinstance(hdop, float)
        sigma_m = own if isinstance(own, float) else hdop * UERE_M[aid]
        is_flat, satellites = self._said("is_flat"), self._said("satellites")
        if is_flat or (is_flat is None and self._is_flat):
            sigma_m *= FLAT_SHARE
        if isinstance(satellites, int) and satellites < FEW:
            sigma_m *= FEW_SHARE
        return max(LEAST_M[aid], sigma_m)

    def _of_gst(self) -> float | None:
        said = self._gst
        if said is None or said.second_of_day is None or self._second is None:
            return None
        return said.sigma_m if (self._second - said.second_of_day) % DAY_S <= GST_LASTS_S else None

    def _utc(self, second: float) -> datetime | None:
        day = self._said("date")
        try:
            return datetime.combine(day, time(0), UTC) + timedelta(seconds=second) if isinstance(day, date) else None
        except OverflowError:
            return None

    def _on_axis(self, second: float) -> float:
        """Seconds since the first position, by the time of day alone: dates roll over. They never go back, whatever the receiver's time does."""
        step_s = 0.0 if self._last_second is None else (second - self._last_second + DAY_S / 2) % DAY_S - DAY_S / 2
        if step_s < -RESTART_S:
            self._count_bad(f"the receiver's time went back by {-step_s:.1f} s")
            step_s, self._axis_s = 0.0, self._t_s
        self._axis_s += step_s
        self._last_second, self._t_s = second, max(self._t_s, self._axis_s)
        return self._t_s

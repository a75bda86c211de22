"""Figures beside their aims, and the parts that bring them: what `make bench-vehicle` and `make bench-review` print."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Figures = dict[str, float]


@dataclass(frozen=True)
class Aim:
    """A figure's name in JSON, what it says, and its bound: at most, or at least."""

    key: str
    says: str
    bound: float
    at_least: bool = False

    def holds(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


def lines_of(aims: Iterable[Aim], found: Mapping[str, float]) -> list[str]:
    """Aim and value side by side, a line each."""
    lines = []
    for aim in aims:
        value = found.get(aim.key)
        word = "not measured" if value is None else "holds" if aim.holds(value) else "SHORT"
        sign = "≥" if aim.at_least else "≤"
        lines.append(f"{aim.key:<25}{value if value is not None else '–':>8}  {sign} {aim.bound:<6g} {word:<13}{aim.says}")  # fmt: skip
    return lines


def last_line(command: Sequence[str], env: Mapping[str, str]) -> tuple[str, int]:
    """The last line of a script and its exit code; what it says before is passed on."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    last = ""
    for line in process.stdout or ():
        last = line
        if not line.startswith("{"):
            print(f"  {line}", end="", flush=True)
    return last, process.wait()


def run_parts(
    aims: Sequence[Aim],
    parts: Mapping[str, Callable[[], Figures]],
    began_s: float,
    misses: tuple[type[Exception], ...],
) -> int:
    """Measure part after part and print every figure and how long it is since `began_s`, all together as JSON in the last line; 1 if a part ended with one of `misses`."""
    found, missing = Figures(), 0
    for name, measured in parts.items():
        print(f"{name} ({time.monotonic() - began_s:.0f} s)", flush=True)
        try:
            found |= measured()
        except misses as wrong:
            missing += 1
            print(f"  could not be measured: {wrong}", flush=True)
    print("\n".join(["", *lines_of(aims, found), f"{time.monotonic() - began_s:.0f} s"]))
    print(json.dumps({aim.key: found.get(aim.key) for aim in aims}))
    return int(missing > 0)

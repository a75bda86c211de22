"""A pause: the camera is not read at all, so that its lamp goes out. Asked for on the vehicle by one small file, or from afar by `[gate] paused`."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from edge.part import LARGEST_BYTES, boot, write_aside
from models.contract import Seconds

UTC = timezone.utc  # noqa: UP017
PAUSE = "pause.json"
SHORTEST_S, LONGEST_S = 60.0, 30 * 86400.0
"""A pause that is asked for by name lasts long enough to be seen in the heartbeat, whatever the watch was doing."""


class Pause(BaseModel):
    """When it was asked for, by every clock at hand, and for how long; None: until somebody resumes."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    boot: str = ""
    monotonic_s: Seconds = 0.0
    utc: AwareDatetime = datetime(2000, 1, 1, tzinfo=UTC)
    is_trusted: bool = False
    for_s: Annotated[float, Field(gt=0, le=LONGEST_S)] | None = None


class Now(NamedTuple):
    """The instant by the clock that only counts since the machine's start, and by the one that tells the time, if that can be trusted."""

    boot: str
    monotonic_s: float
    utc: datetime
    is_trusted: bool


def left_s(pause: Pause, now: Now) -> float | None:
    """Seconds that a pause still lasts, 0 if it is over, None without an end.

    After a restart of the machine a trusted clock tells how long it was off; without one the pause lasts from the restart at most as long as it was to last.
    """
    if pause.for_s is None:
        return None
    if pause.boot == now.boot:
        gone_s = now.monotonic_s - pause.monotonic_s
    elif pause.is_trusted and now.is_trusted:
        gone_s = (now.utc - pause.utc).total_seconds()
    else:
        gone_s = now.monotonic_s
    return max(0.0, pause.for_s - max(0.0, gone_s))


def begin(folder: Path, for_s: float | None, now: Now) -> None:
    """Ask for a pause; it outlives a power cut. Raises OSError."""
    pause = Pause(boot=now.boot, monotonic_s=now.monotonic_s, utc=now.utc, is_trusted=now.is_trusted, for_s=for_s)
    write_aside(folder / PAUSE, pause.model_dump_json().encode(), durable=True)


def end(folder: Path) -> None:
    """Take back what was asked for on the vehicle. Raises OSError."""
    (folder / PAUSE).unlink(missing_ok=True)


def asked(folder: Path) -> Pause | None:
    """What was asked for on the vehicle. A file that cannot be read is a pause without end: in doubt nobody is looked at."""
    try:
        with (folder / PAUSE).open("rb") as file:
            return Pause.model_validate_json(file.read(LARGEST_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        return Pause()


def forget_spent(folder: Path, now: Now) -> None:
    """Take away a pause that is over: after a power cut no clock may be able to tell that it is, and it would begin anew. Raises OSError."""
    pause = asked(folder)
    if pause is not None and left_s(pause, now) == 0.0:
        end(folder)


def is_paused(folder: Path, is_wanted: bool, now: Now) -> bool:
    """Whether the camera is to stay off; `is_wanted` is `[gate] paused`, which the server may set."""
    pause = asked(folder)
    return is_wanted or (pause is not None and left_s(pause, now) != 0.0)


def here(monotonic_s: float, utc: datetime, is_trusted: bool) -> Now:
    """Now, on this machine."""
    return Now(boot(), monotonic_s, utc, is_trusted)

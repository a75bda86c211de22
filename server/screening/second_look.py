"""The stronger pack looks at a picture again. It is loaded once a process; without it, or without onnxruntime, screening goes on by its other rules and says so."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings

from models.packs import Pack, PackError, load_pack
from server.log import tell, warn
from server.screening.rules import overlap

if TYPE_CHECKING:
    from models.pixels import Image
    from models.runtime import Detector, Found

log = logging.getLogger("trikeye.screening")
NONE = "none"
SAME_THING = 0.3
"""Overlap from which on two boxes are of one thing: networks differ on where a heap ends."""
FLOOR = 0.01
AGAIN_S = 600.0
"""How often a pack that could not be loaded is tried again."""
SAID = "second_look"


@dataclass
class SecondLook:
    """A network that is ready, or the reason why it is not."""

    name: str
    trouble: str = ""
    _detector: Detector | None = None
    _tried_s: float | None = None
    _categories: frozenset[str] = field(default_factory=frozenset)

    def probability(self, image: Image, box: list[float], category: str) -> float | None:
        """How probable a thing of this category is in the box of a picture; None if the network cannot say."""
        detector = self._ready()
        if detector is None or category not in self._categories:
            return None
        try:
            found = detector.detect(image, FLOOR)
        except Exception as wrong:  # whatever a network makes of a picture, the case goes on to a person
            warn(log, "second_look_failed", error=type(wrong).__name__, text=str(wrong)[:200])
            return None
        return self._of(found, box, category)

    def _of(self, found: list[Found], box: list[float], category: str) -> float:
        """The surest box of the thing; none is as good as one at the floor."""
        same = [each for each in found if each.label.category == category and overlap(each.box_px, box) >= SAME_THING]
        if same:
            return max(each.probability for each in same)
        assert self._detector is not None
        labels = [label for label in self._detector.pack.labels if label.category == category]
        return min(self._detector.pack.probability(FLOOR, label) for label in labels)

    def _ready(self) -> Detector | None:
        if self._detector is None and self.name not in ("", NONE) and self._is_due():
            self._tried_s = time.monotonic()
            self._detector, self.trouble = _loaded(self.name)
            _say(self.trouble)
            if self._detector is not None:
                self._categories = frozenset(label.category for label in self._detector.pack.labels if label.role == "problem")  # fmt: skip
                tell(log, "second_look_loaded", pack=self._detector.pack.name)
            else:
                warn(log, "second_look_missing", text=self.trouble)
        return self._detector

    def _is_due(self) -> bool:
        return self._tried_s is None or time.monotonic() - self._tried_s >= AGAIN_S


_look = SecondLook(NONE)


def second_look() -> SecondLook:
    """The one of this process, for the pack that the settings name."""
    global _look
    if _look.name != settings.SCREENING_PACK:
        _look = SecondLook(settings.SCREENING_PACK)
    return _look


def trouble() -> str:
    """What keeps `work` from looking twice, for who watches it from another process; empty if nothing does."""
    if settings.SCREENING_PACK in ("", NONE):
        return ""
    try:
        return str((settings.DATA / "alive" / SAID).read_text(encoding="utf-8")).strip()
    except OSError:
        return ""


def _loaded(name: str) -> tuple[Detector | None, str]:
    try:
        pack: Pack = load_pack(name)
        # Large, and only `work` needs it: pages are served without.
        from models.runtime import Detector

        return Detector(pack), ""
    except ImportError as missing:
        return None, f"the Python package {missing.name!r} is not installed; pip install '.[server]'"
    except (PackError, OSError) as wrong:
        return None, f"{wrong}; name another pack in TRIKEYE_SCREENING_PACK, or none"


def _say(words: str) -> None:
    """Leave word for other processes. A full disk is no reason to stop."""
    file: Any = settings.DATA / "alive" / SAID
    try:
        if not words:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(words + "\n", encoding="utf-8")
    except OSError:
        pass

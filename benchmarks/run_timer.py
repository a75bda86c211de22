"""ONNX Runtime's sessions with a stopwatch in them, so that what lies around a run can be told from the run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import onnxruntime


class TimedSession(onnxruntime.InferenceSession):  # type: ignore[misc]
    """`taken_ms` is the processor time that the calling thread spent in runs so far, `began_ns` the monotonic instant at which the last one began."""

    taken_ms = 0.0
    began_ns = 0

    def run(self, *args: Any, **kwargs: Any) -> Any:
        self.began_ns, before = time.monotonic_ns(), time.thread_time()
        made = super().run(*args, **kwargs)
        self.taken_ms += 1e3 * (time.thread_time() - before)
        return made


@contextmanager
def timed_sessions() -> Iterator[list[TimedSession]]:
    """Every session that is made inside, in the order of making."""
    made: list[TimedSession] = []

    class Noted(TimedSession):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    with patch.object(onnxruntime, "InferenceSession", Noted):
        yield made

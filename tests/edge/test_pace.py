"""What may be on its way at once."""

from __future__ import annotations

from uuid import UUID

import pytest

from edge.pace import FIRST_WINDOW_BYTES, Lane, Pace


def filled(pace: Pace, lane: Lane, size: int, now_s: float = 0.0) -> int:
    """Send of a lane until there is no room; how many went."""
    count = 0
    while pace.has_room(lane):
        number = len(pace.flights) + 1000 * lane
        pace.left(UUID(int=number), number, size, lane, now_s)
        count += 1
    return count


def test_a_full_window_has_room_for_what_is_urgent_and_for_one_that_is_fresh() -> None:
    pace = Pace(8)
    assert filled(pace, Lane.BACKLOG, 1000) == 8
    assert filled(pace, Lane.FRESH, 1000) == 1
    assert filled(pace, Lane.URGENT, 1000) == 1
    assert Pace(8).has_room(Lane.URGENT)
    assert filled(Pace(8), Lane.URGENT, 1000) == 10


def test_before_the_link_has_shown_its_rate_little_is_on_its_way_but_always_two() -> None:
    assert filled(Pace(20), Lane.BACKLOG, 16 * 1024) == FIRST_WINDOW_BYTES // (16 * 1024)
    assert filled(Pace(20), Lane.BACKLOG, 200_000) == 2


def run(pace: Pace, rate: float, delay_s: float, size: int, count: int) -> float:
    """Seconds in which a link of this rate (bytes/s) and delay (there and back) carries so many messages; what is handed over waits its turn."""
    now_s = free_s = 0.0
    away: list[tuple[float, int]] = []
    sent = 0
    while sent < count or away:
        while sent < count and pace.has_room(Lane.BACKLOG):
            free_s = max(free_s, now_s) + size / rate
            away.append((free_s + delay_s, sent))
            pace.left(UUID(int=sent), sent, size, Lane.BACKLOG, now_s)
            sent += 1
        now_s, number = away.pop(0)
        pace.answered(UUID(int=number), now_s)
    return now_s


@pytest.mark.parametrize("size", [1_500, 8_000, 60_000, 170_000])
@pytest.mark.parametrize("rate", [5_000.0, 50_000.0, 2_000_000.0])
@pytest.mark.parametrize("delay_s", [0.02, 0.6, 2.0])
def test_the_link_is_kept_busy_whatever_its_rate_delay_and_messages(size: int, rate: float, delay_s: float) -> None:
    count, window = 200, 8
    best = count * size / min(rate, window * size / delay_s)
    assert run(Pace(window), rate, delay_s, size, count) <= best / 0.9 + 2 * delay_s + 2 * size / rate


@pytest.mark.parametrize("size", [1_500, 8_000, 60_000])
def test_what_is_on_its_way_leaves_within_the_time_that_something_urgent_may_wait(size: int) -> None:
    pace = Pace(20)
    run(pace, 50_000.0, 0.6, size, 60)
    filled(pace, Lane.BACKLOG, size)
    assert pace.bytes_out / 50_000 <= 1.5 + 2 * size / 50_000


def test_nothing_is_sent_again_before_the_link_could_have_carried_it() -> None:
    pace = Pace(8)
    run(pace, 10_000.0, 0.6, 50_000, 10)
    pace.left(UUID(int=99), 99, 100_000, Lane.BACKLOG, 100.0)
    assert pace.overdue(20.0, 130.0) == []
    assert [id_ for id_, _ in pace.overdue(20.0, 141.0)] == [UUID(int=99)]


def test_what_was_sent_twice_says_nothing_about_the_link_and_stays_one() -> None:
    pace = Pace(8)
    for at_s in (0.0, 50.0):
        pace.left(UUID(int=1), 1, 1000, Lane.FRESH, at_s)
    assert (pace.bytes_out, pace.lanes[Lane.FRESH]) == (1000, 1)
    pace.answered(UUID(int=1), 50.1)
    assert not pace.rates
    assert (pace.bytes_out, pace.lanes[Lane.FRESH]) == (0, 0)
    pace.answered(UUID(int=1), 60.0)
    assert pace.bytes_out == 0

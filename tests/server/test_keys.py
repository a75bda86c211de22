"""Keys of one's own: what may be one, what is told when it is taken, and that nothing loses its key unsaid."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from server.accounts.models import User
from server.review.keys import CODE, DEEDS, PRESETS, NotAKey, Taken, layout, with_key


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_each_key_to_one_deed(preset: str) -> None:
    codes = [each.code for each in layout({"preset": preset}).values() if each.code]
    assert len(codes) == len(set(codes)) == len(PRESETS[preset])
    assert set(PRESETS[preset]) <= set(DEEDS)
    assert all(CODE.fullmatch(code) for code in codes)


@pytest.mark.parametrize(
    "code", ["Space", "Enter", "NumpadEnter", "Tab", "Escape", "ArrowLeft", "ShiftLeft", "F5", "KeyFF", "<b>", "Numpad"]
)
def test_a_key_that_means_something_everywhere_is_refused(code: str) -> None:
    with pytest.raises(NotAKey):
        with_key({}, "confirm", code)


def test_an_unknown_deed_is_refused() -> None:
    with pytest.raises(NotAKey):
        with_key({}, "destroy", "KeyK")


def test_a_key_that_is_taken_is_told_and_may_be_exchanged() -> None:
    with pytest.raises(Taken) as taken:
        with_key({}, "confirm", "KeyD")
    assert taken.value.deed == "reject"
    kept = with_key({}, "confirm", "KeyD", exchange=True)
    now = layout(kept)
    assert (now["confirm"].code, now["reject"].code) == ("KeyD", "KeyF")
    assert len({each.code for each in now.values()}) == len(DEEDS)


def test_a_deed_without_a_key_frees_it_for_another() -> None:
    kept = with_key(with_key({}, "report", ""), "confirm", "KeyP")
    now = layout(kept)
    assert (now["report"].code, now["confirm"].code, now["confirm"].label) == ("", "KeyP", "P")


def test_what_is_kept_of_another_version_harms_nothing() -> None:
    now = layout({"preset": "gone", "own": {"destroy": "KeyF", "unsure": "KeyF"}})
    assert (now["unsure"].code, now["confirm"].code) == ("KeyF", "")
    assert set(now) == set(DEEDS)


@pytest.mark.django_db
def test_the_page_keeps_a_persons_keys_for_that_person(reviewer: User) -> None:
    other = User.objects.create_user("li", role="reviewer")
    client = Client()
    client.force_login(reviewer)

    def put(**form: Any) -> int:
        return client.post("/me/keys/", form).status_code

    assert put(deed="confirm", code="KeyK") == 302
    assert put(deed="unsure", code="KeyK") == 409
    assert put(deed="unsure", code="Space") == 400
    assert put(deed="unsure", code="KeyK", exchange="1") == 302
    reviewer.refresh_from_db()
    assert reviewer.keys == {"preset": "left", "own": {"confirm": "KeyS", "unsure": "KeyK"}}
    assert '"confirm": ["KeyS", "S"]' in client.get("/review/").content.decode().replace("&quot;", '"')
    assert put(preset="off") == 302
    reviewer.refresh_from_db()
    other.refresh_from_db()
    assert (reviewer.keys, other.keys) == ({"preset": "off", "own": {}}, {})
    assert put(preset="strange", deed="confirm", code="KeyF") == 302

"""What a person puts right on a card: the box, the place, and that it is the same as another case."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone, translation
from sightings import NOW

from calibration.geodesy import moved
from server.accounts.models import User
from server.cases.merging import merge_by_hand
from server.cases.models import Case, Picture, Sighting
from server.review.answers import BadVerdict
from server.review.corrections import Correction
from server.review.models import Verdict
from server.review.pictured import thumbs
from server.review.services import decide, lease, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cards(send: Any) -> list[Case]:
    for number in range(3):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


def sha256_of(case: Case) -> str:
    return str(Picture.objects.filter(sighting__case=case).values_list("sha256", flat=True)[0])


def test_a_place_put_by_hand_stays_when_the_thing_is_seen_again_until_it_is_undone(cards: Any, reviewer: Any, send: Any) -> None:  # fmt: skip
    case, now = cards[0], timezone.now()
    was = (case.lat_deg, case.lon_deg)
    put = moved(*was, 12.0, -9.0)
    lease(reviewer, now)
    decide(reviewer, uuid4(), case.pk, "confirm", now, correction=Correction(place_deg=put))
    send(east_m=1.0, outbox=UUID(int=77), probability=0.9)
    case.refresh_from_db()
    assert (case.lat_deg, case.lon_deg, case.placed_by) == (*put, "person")
    assert (case.sightings_count, case.probability) == (2, 0.9), "everything else goes on"
    assert (Verdict.objects.get().lat_deg, Verdict.objects.get().lon_deg) == put
    undo(reviewer, now)
    case.refresh_from_db()
    assert (case.state, case.placed_by_hand) == ("queued", False)
    assert case.lat_deg == pytest.approx(was[0], abs=1e-5)
    assert abs(case.lat_deg - put[0]) > 5e-5


@pytest.mark.parametrize(("metres", "may"), [(49.9, True), (50.1, False)])
def test_a_place_is_moved_by_fifty_metres_at_most(metres: float, may: bool, cards: Any, reviewer: Any) -> None:
    case = cards[0]
    correction = Correction(place_deg=moved(case.lat_deg, case.lon_deg, metres, 0.0))
    if may:
        decide(reviewer, uuid4(), case.pk, "confirm", NOW, correction=correction)
        return
    with pytest.raises(BadVerdict, match="50"):
        decide(reviewer, uuid4(), case.pk, "confirm", NOW, correction=correction)
    assert not Verdict.objects.exists()


@pytest.mark.parametrize("place", [(float("nan"), 112.5), (37.87, float("inf")), (95.0, 112.5), (37.87, 500.0), (112.5489, 37.8706)])  # fmt: skip
def test_a_place_that_is_none_is_refused(place: Any, cards: Any, reviewer: Any) -> None:
    with pytest.raises(BadVerdict):
        decide(reviewer, uuid4(), cards[0].pk, "confirm", NOW, correction=Correction(place_deg=place))


@pytest.mark.parametrize(
    ("box", "may"),
    [((0.0, 0.0, 320.0, 180.0), True), ((0.0, 0.0, 4.0, 4.0), True), ((0.0, 0.0, 320.1, 180.0), False), ((-0.1, 0.0, 50.0, 50.0), False),
     ((10.0, 10.0, 13.9, 50.0), False), ((50.0, 50.0, 10.0, 10.0), False), ((float("nan"), 0.0, 50.0, 50.0), False)],
)  # fmt: skip
def test_a_box_lies_in_a_picture_of_the_case(box: Any, may: bool, cards: Any, reviewer: Any) -> None:
    correction = Correction(box, sha256_of(cards[0]))
    if may:
        decide(reviewer, uuid4(), cards[0].pk, "confirm", NOW, correction=correction)
        assert (Verdict.objects.get().box, Verdict.objects.get().box_sha256) == (list(box), sha256_of(cards[0]))
        return
    with pytest.raises(BadVerdict):
        decide(reviewer, uuid4(), cards[0].pk, "confirm", NOW, correction=correction)
    assert not Verdict.objects.exists()


def test_a_box_put_right_is_shown_wherever_the_case_is_until_it_is_undone(cards: Any, reviewer: Any, client: Any) -> None:  # fmt: skip
    """On its page, its sheet and beside its neighbours, also once it became another case; not in a picture of the same bytes of another thing."""
    case, other, chief = *cards[:2], User.objects.create_user("zhao", role="supervisor")
    Picture.objects.filter(sighting__case=other).update(sha256=sha256_of(case))
    now, drawn = timezone.now(), '<rect class="inner" x="198.7" y="98.7" width="62.6" height="42.6"/>'
    pages = (f"/cases/{case.number}/", f"/cases/{case.number}/print/")
    client.force_login(chief)

    def is_drawn() -> list[bool]:
        boxes = (thumbs([each.pk])[each.pk].box for each in (case, other))
        return [drawn in client.get(page).content.decode() for page in pages] + [box is not None and round(box["x"], 1) == 198.7 for box in boxes]  # fmt: skip

    assert not any(is_drawn())
    lease(reviewer, now)
    decide(reviewer, uuid4(), case.pk, "confirm", now, correction=Correction((200.0, 100.0, 260.0, 140.0), sha256_of(case)))  # fmt: skip
    assert is_drawn() == [True, True, True, False]
    undo(reviewer, now)
    assert not any(is_drawn())
    decide(reviewer, uuid4(), case.pk, "confirm", now, correction=Correction((200.0, 100.0, 260.0, 140.0), sha256_of(case)))  # fmt: skip
    Case.objects.filter(id=case.pk).update(state="merged", merged_into=other)
    Sighting.objects.filter(case=case).update(case=other)
    assert thumbs([other.pk])[other.pk].box == pytest.approx({"x": 198.72, "y": 98.72, "w": 62.56, "h": 42.56})


def test_a_box_in_another_cases_picture_or_with_a_rejection_is_refused(cards: Any, reviewer: Any) -> None:
    box = (10.0, 10.0, 50.0, 50.0)
    for answer, sha256 in (("confirm", sha256_of(cards[1])), ("confirm", ""), ("reject", sha256_of(cards[0]))):
        with pytest.raises(BadVerdict):
            decide(reviewer, uuid4(), cards[0].pk, answer, NOW, reason=1, correction=Correction(box, sha256))


def test_the_page_sends_a_box_and_a_place(cards: Any, reviewer: Any, client: Any) -> None:
    client.force_login(reviewer)
    lat_deg, lon_deg = moved(cards[0].lat_deg, cards[0].lon_deg, 3.0, 4.0)
    mended = {"box": json.dumps([10.5, 20, 90, 100]), "box_sha256": sha256_of(cards[0]), "lat_deg": f"{lat_deg:.7f}", "lon_deg": f"{lon_deg:.7f}"}  # fmt: skip
    form = {"id": uuid4(), "case": cards[0].pk, "answer": "confirm", **mended}
    assert client.post("/review/verdicts", form).json()["result"] == "counted"
    verdict = Verdict.objects.get()
    assert (verdict.box, verdict.lat_deg) == ([10.5, 20.0, 90.0, 100.0], pytest.approx(lat_deg, abs=1e-7))


@pytest.mark.parametrize(
    "wrong",
    [{"box": "[1,2,3]"}, {"box": "7"}, {"box": "{"}, {"box": '["a","b","c","d"]'}, {"box": "[1e999,0,9,9]"}, {"lat_deg": "37.87"}, {"lat_deg": "x", "lon_deg": "y"},
     {"same_as": "x"}, {"answer": "reject", "reason": "5"}, {"answer": "reject", "reason": "9"}, {"answer": "reject", "reason": "5", "same_as": "999"},
     {"answer": "reject", "reason": "5", "same_as": "9" * 30}, {"same_as": "2"}],
)  # fmt: skip
def test_a_form_that_cannot_be_read_keeps_nothing_and_says_why(wrong: dict[str, str], cards: Any, reviewer: Any, client: Any) -> None:  # fmt: skip
    client.force_login(reviewer)
    form = {"id": uuid4(), "case": cards[0].pk, "answer": "confirm", "box_sha256": sha256_of(cards[0])} | wrong
    refused = client.post("/review/verdicts", form)
    assert refused.status_code == 400
    assert refused.json()["kind"] == "refused"
    assert not Verdict.objects.exists()


def test_another_reason_needs_words(cards: Any, reviewer: Any) -> None:
    with pytest.raises(BadVerdict):
        decide(reviewer, uuid4(), cards[0].pk, "reject", NOW, reason=9, words="  ")
    decide(reviewer, uuid4(), cards[0].pk, "reject", NOW, reason=9, words=" a film is made here ")
    assert Verdict.objects.get().words == "a film is made here"


def test_the_same_as_another_case_goes_into_it_and_comes_back_when_undone(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    one, two = cards[:2]
    lease(reviewer, now)
    assert decide(reviewer, uuid4(), two.pk, "reject", now, reason=5, same_as=one.number).result == "counted"
    two.refresh_from_db()
    assert (two.state, two.merged_into) == ("merged", one)
    assert Sighting.objects.filter(case=one).count() == 2
    back = undo(reviewer, now)
    assert back is not None
    assert (back.pk, back.state, back.lease_by, back.merged_into) == (two.pk, "queued", reviewer, None)
    assert [Sighting.objects.filter(case=case).count() for case in (one, two)] == [1, 1]
    one.refresh_from_db()
    assert (one.sightings_count, back.sightings_count) == (1, 1)
    assert one.lon_deg == pytest.approx(cards[0].lon_deg, abs=1e-9)
    assert two.pk in {case.pk for case in lease(reviewer, now)}


def test_a_merge_whose_sightings_went_on_is_not_undone(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    one, two, three = cards
    lease(reviewer, now)
    decide(reviewer, uuid4(), two.pk, "reject", now, reason=5, same_as=one.number)
    Sighting.objects.filter(case=one).update(case=three)
    assert undo(reviewer, now) is None
    two.refresh_from_db()
    assert two.state == "merged"


def test_the_same_as_itself_or_as_another_kind_is_refused(cards: Any, reviewer: Any) -> None:
    Case.objects.filter(id=cards[2].pk).update(category="waste_pile")
    for number in (cards[0].number, cards[2].number):
        with pytest.raises(BadVerdict):
            decide(reviewer, uuid4(), cards[0].pk, "reject", NOW + timedelta(0), reason=5, same_as=number)
    assert not Verdict.objects.exists()


@pytest.mark.parametrize(("metres", "may"), [(99.0, True), (100.5, False)])
def test_the_same_as_a_case_down_the_street_is_refused_with_how_far_it_is(metres: float, may: bool, cards: Any, reviewer: Any) -> None:  # fmt: skip
    """Also by the number of a case that was merged into one there; a supervisor may, by hand."""
    here, there, gone = cards
    lat_deg, lon_deg = moved(here.lat_deg, here.lon_deg, metres, 0.0)
    Case.objects.filter(id=there.pk).update(lat_deg=lat_deg, lon_deg=lon_deg)
    Case.objects.filter(id=gone.pk).update(state="merged", merged_into=there, lat_deg=here.lat_deg, lon_deg=here.lon_deg)  # fmt: skip
    if may:
        assert decide(reviewer, uuid4(), here.pk, "reject", NOW, reason=5, same_as=gone.number).result == "counted"
        return
    for number in (there.number, gone.number):
        with translation.override("en"), pytest.raises(BadVerdict, match=r"is 101 m away; .* at most 100 m"):
            decide(reviewer, uuid4(), here.pk, "reject", NOW, reason=5, same_as=number)
    assert not Verdict.objects.exists()
    here.refresh_from_db()
    assert here.state == "queued"
    chief = User.objects.create_user("zhao", role="supervisor")
    assert merge_by_hand(here, there, chief, NOW).pk == there.pk

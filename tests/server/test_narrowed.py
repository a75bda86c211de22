"""The queue narrowed to a category or a district, what it says when it is empty, and pictures that are reported."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.models import Case, Picture
from server.places.models import CasePlace, Feature
from server.review.counts import forget, queue_counts, waiting_by_category
from server.review.gold import make
from server.review.looks import deal
from server.review.models import Look
from server.review.narrowed import LOOKS_LOOKED_AT, Part, among, districts_for, part_of, words_of
from server.review.services import decide, lease
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db


@pytest.fixture
def cases(send: Any) -> dict[str, Case]:
    """Two of one category, one of another, each with a place."""
    for number, category in enumerate(("bagged_garbage", "waste_pile", "bagged_garbage")):
        send(east_m=200.0 * number, seed=number, category=category)
    Case.objects.update(shadow=False)
    screen_new(NOW)
    Case.objects.update(shadow=False)
    found = list(Case.objects.order_by("id"))
    for case, district in zip(found, ("迎泽区", "迎泽区", "小店区"), strict=True):
        CasePlace.objects.update_or_create(case=case, defaults={"named_by": 1, "lat_deg": case.lat_deg, "lon_deg": case.lon_deg, "district_zh": district})  # fmt: skip
    return dict(zip("abc", found, strict=True))


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (Part("bagged_garbage"), "ac"), (Part("waste_pile"), "b"), (Part("", "迎泽区"), "ab"), (Part("bagged_garbage", "迎泽区"), "a"), (Part("waste_pile", "小店区"), ""),
        (Part("", "nowhere"), ""), (Part(), "abc"),
    ],
)  # fmt: skip
def test_a_part_of_the_queue_is_leased_and_nothing_else(
    part: Part, wanted: str, cases: dict[str, Case], reviewer: User
) -> None:
    leased = lease(reviewer, NOW, part=part)
    assert {case.pk for case in leased} == {cases[each].pk for each in wanted}


def test_a_part_never_holds_what_is_a_colleagues_or_answered(cases: dict[str, Case], reviewer: User) -> None:
    other = User.objects.create_user("li", role="reviewer")
    now = timezone.now()
    decide(reviewer, uuid4(), cases["a"].pk, "skip", now)
    Case.objects.filter(id=cases["c"].pk).update(lease_by=other, lease_until=now)
    Case.objects.filter(id=cases["c"].pk).update(lease_until=timezone.now() + timedelta(minutes=5))
    assert lease(reviewer, timezone.now(), part=Part("bagged_garbage")) == []


@pytest.mark.parametrize(
    ("part", "wanted"),
    [(Part("bagged_garbage"), "ac"), (Part("waste_pile"), "b"), (Part("", "迎泽区"), "ab"), (Part("bagged_garbage", "小店区"), "c"), (Part("road_damage"), ""), (Part(), "abc")],
)  # fmt: skip
def test_decided_cards_of_a_part_are_looked_at_again_by_who_narrows_too(
    part: Part, wanted: str, cases: dict[str, Case], reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what they were proposed as: one was confirmed as something else, which the card must not tell."""
    monkeypatch.setattr(settings, "SECOND_SHARE", 1.0)
    first = User.objects.create_user("li", role="reviewer")
    for name, case in cases.items():
        decide(first, uuid4(), case.pk, "confirm", timezone.now(), category="road_damage" if name == "a" else "")
    leased = lease(reviewer, timezone.now(), part=part)
    assert {case.pk for case in leased} == {cases[each].pk for each in wanted}
    assert {case.category for case in leased} <= {part.category or case.category for case in leased}
    assert not lease(first, timezone.now(), part=part), "nobody is their own second"


def test_what_one_holds_of_another_part_is_not_dealt_in_this_one(cases: dict[str, Case], reviewer: User, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(settings, "SECOND_SHARE", 1.0)
    first = User.objects.create_user("li", role="reviewer")
    for case in cases.values():
        decide(first, uuid4(), case.pk, "confirm", timezone.now())
    assert len(lease(reviewer, timezone.now())) == 3
    assert [case.pk for case in lease(reviewer, timezone.now(), part=Part("waste_pile"))] == [cases["b"].pk]


@pytest.mark.parametrize(("part", "is_dealt"), [(Part("bagged_garbage"), True), (Part("", "迎泽区"), True), (Part("waste_pile"), False), (Part("", "小店区"), False)])  # fmt: skip
def test_a_gold_card_that_fits_is_dealt_to_who_narrows_and_no_other(
    part: Part, is_dealt: bool, cases: dict[str, Case], reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "GOLD_SHARE", 1.0)
    known, now = cases["a"], timezone.now()
    Case.objects.filter(id=known.pk).update(state="fixed")
    known.refresh_from_db()
    make(User.objects.create_user("zhao", role="supervisor"), known, "confirm", known.category, now)
    decide(reviewer, uuid4(), cases["c"].pk, "skip", now)
    dealt = {case.pk for case in lease(reviewer, timezone.now(), part=part)}
    assert (known.pk in dealt) is is_dealt
    assert Look.objects.filter(kind="gold", person=reviewer).exists() is is_dealt


def test_a_part_with_looks_asks_as_often_however_many_there_are(
    cases: dict[str, Case], reviewer: User, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    """And their statement is walked along its index to a fixed length."""
    monkeypatch.setattr(settings, "SECOND_SHARE", 1.0)
    first = User.objects.create_user("li", role="reviewer")
    for case in cases.values():
        decide(first, uuid4(), case.pk, "confirm", timezone.now())
    with django_assert_max_num_queries(26), CaptureQueriesContext(connection) as queries:
        assert len(lease(reviewer, timezone.now(), part=Part("", "迎泽区"))) == 2
    (walked,) = (each["sql"] for each in queries if "first_person_id <" in each["sql"])
    assert walked.count(f"LIMIT {LOOKS_LOOKED_AT}") == 2
    with connection.cursor() as cursor:
        plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {walked}").fetchall())
    assert plan.count("USING INDEX look_to_take (first_person_id") == 2, plan


def test_a_part_is_found_by_index_and_bounded(cases: dict[str, Case], reviewer: User, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    with django_assert_max_num_queries(6):
        found = among(reviewer, Part("bagged_garbage", "迎泽区"), shadow=False)
    assert found == [cases["a"].pk]
    assert among(reviewer, Part("waste_pile"), shadow=True) == []


def test_the_kinds_that_wait_are_those_of_the_cards_that_a_person_may_get(
    cases: dict[str, Case], reviewer: User, settings: Any
) -> None:
    """What others answered is in none of them, and together they are the figure over the queue."""
    settings.SECOND_SHARE, now = 1.0, timezone.now()
    li, chen = (User.objects.create_user(name, role="reviewer") for name in ("li", "chen"))

    def of(person: User, *, shadow: bool = False) -> dict[str, int]:
        forget()
        figures, found = queue_counts(person, now, shadow=shadow), waiting_by_category(person, now, shadow=shadow)
        kinds = {key: int(count) for key, count in found.items()}
        assert sum(kinds.values()) == (figures.in_shadow if shadow else figures.waiting)
        return kinds

    everything = {"bagged_garbage": 2, "waste_pile": 1}
    assert of(reviewer) == of(li) == everything
    decide(reviewer, uuid4(), cases["a"].pk, "skip", now)
    assert (of(reviewer), of(li)) == ({"bagged_garbage": 1, "waste_pile": 1}, everything)
    decide(li, uuid4(), cases["a"].pk, "confirm", now, category="dead_animal")
    decide(li, uuid4(), cases["b"].pk, "unsure", now)
    assert (of(li), of(chen)) == ({"bagged_garbage": 1}, everything)
    decide(chen, uuid4(), cases["a"].pk, "reject", now, reason=1)
    assert of(chen) == {"bagged_garbage": 1, "waste_pile": 1}
    Case.objects.filter(state="queued").update(shadow=True)
    assert (of(chen), of(chen, shadow=True)) == ({"waste_pile": 1}, {"bagged_garbage": 1})


def test_a_gold_card_that_a_person_holds_waits_as_what_its_card_says(cases: dict[str, Case], reviewer: User) -> None:
    now, li = timezone.now(), User.objects.create_user("li", role="reviewer")
    decide(li, uuid4(), cases["b"].pk, "confirm", now, category="dead_animal")
    Look.objects.filter(case=cases["b"]).delete()
    chief = User.objects.create_user("zhao", role="supervisor")
    gold = make(chief, Case.objects.get(id=cases["b"].pk), "confirm", "dead_animal", now)
    assert waiting_by_category(reviewer, now, shadow=False) == {"bagged_garbage": "2"}
    deal(gold, reviewer, now)
    assert waiting_by_category(reviewer, now, shadow=False) == {"bagged_garbage": "2", "waste_pile": "1"}


def test_the_kinds_that_wait_are_counted_along_an_index_and_no_further_than_told(
    cases: dict[str, Case], reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.review.counts.CAP_OF_CATEGORY", 2)
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        found = waiting_by_category(reviewer, NOW, shadow=False)
        assert len(queries) <= 7
        walked = next(each["sql"] for each in queries if "UNION ALL" in each["sql"] and "waste_pile" in each["sql"])
        plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {walked}").fetchall())
    assert found == {"bagged_garbage": "1+", "waste_pile": "1"}
    assert plan.count("USING COVERING INDEX case_of_category (city_id=? AND shadow=? AND category=? AND state=?)") == len(CATEGORIES)  # fmt: skip
    assert walked.count("LIMIT 2") == len(CATEGORIES)


def test_the_filter_has_the_kinds_that_wait_first_with_their_figures(cases: dict[str, Case], reviewer: User) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    page = client.get("/review/?category=dead_animal").content.decode()
    waiting, none = re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', page.split('<select name="category">')[1].split("</select>")[0])  # fmt: skip
    options = r'<option value="(\w+)"( selected)?>([^<]+)</option>'
    assert waiting[0] == "Waiting now"
    assert re.findall(options, waiting[1]) == [("bagged_garbage", "", "Bagged garbage left on the kerb · 2"), ("waste_pile", "", "Accumulated waste, rubble or muck · 1")]  # fmt: skip
    assert none[0] == "None waiting"
    assert ("dead_animal", " selected", "Dead animal") in re.findall(options, none[1])
    assert len(re.findall(options, none[1])) == len(CATEGORIES) - 2
    shadow = client.get("/review/?filter=shadow").content.decode()
    assert "Waiting now" not in shadow


def test_an_address_names_a_part_and_an_unknown_category_none() -> None:
    assert part_of(QueryDict("category=waste_pile&district=迎泽区")) == Part("waste_pile", "迎泽区")
    assert part_of(QueryDict("category=nonsense")) == Part()


def test_districts_are_those_of_a_persons_cities(cases: dict[str, Case], reviewer: User) -> None:
    Feature.objects.create(city=cases["a"].city, kind="district", name_zh="迎泽区", name_en="Yingze", code="140106", is_area=True, lat_min=0, lat_max=1, lon_min=0, lon_max=1, edges=b"")  # fmt: skip
    assert districts_for(reviewer) == [("迎泽区", "迎泽区")]
    assert words_of(Part("waste_pile", "迎泽区"), reviewer) == "迎泽区 · 积存垃圾渣土"


def test_an_empty_part_says_so_and_how_many_wait_elsewhere(cases: dict[str, Case], reviewer: User) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    cards = client.post("/review/lease?category=waste_pile").content.decode()
    assert cards.count("<article") == 1
    text = client.get("/review/nothing?category=dead_animal").content.decode()
    assert "No card in" in text
    assert "3 more wait in other categories." in text
    assert 'href="/review/"' in text
    for asked, told in (("district=nowhere", "3 more wait in other districts."), ("category=waste_pile&district=nowhere", "3 more wait outside of this filter."), ("category=dead_animal&filter=shadow", "0 more wait in other categories.")):  # fmt: skip
        assert told in client.get(f"/review/nothing?{asked}").content.decode()


def test_what_a_person_skipped_is_said_to_wait_for_them_later(cases: dict[str, Case], reviewer: User) -> None:
    """No figure has it: to others it waits as ever."""
    now = timezone.now()
    for name in "ab":
        decide(reviewer, uuid4(), cases[name].pk, "skip", now)
    forget()
    counts = queue_counts(reviewer, now)
    assert (counts.waiting, counts.skipped, queue_counts(reviewer, now, shadow=True).skipped) == (1, 2, 0)
    other = queue_counts(User.objects.create_user("li", role="reviewer"), now)
    assert (other.waiting, other.skipped) == (3, 0)
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    answer = client.get("/review/nothing?category=dead_animal")
    assert "You skipped 2 more; they come again within ten minutes." in answer.content.decode()
    assert answer.headers["X-skipped"] == "2"
    assert "You skipped" not in client.get("/review/nothing?filter=shadow").content.decode()
    assert queue_counts(reviewer, now + timedelta(minutes=10, seconds=1)).skipped == 0


def test_the_filters_categories_come_alone_as_they_wait_now(cases: dict[str, Case], reviewer: User, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    """And with them the figures at the head, that they add up to."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    client.get("/review/")
    decide(reviewer, uuid4(), cases["a"].pk, "confirm", timezone.now())
    forget()
    with django_assert_max_num_queries(20):
        answer = client.get("/review/?piece=kinds&category=waste_pile")
    html = answer.content.decode()
    assert (re.findall(r"> *[^<]+ · (\d+)<", html), answer.headers["X-waiting"]) == (["1", "1"], "2")
    assert re.findall(r'value="(\w+)" selected', html) == ["waste_pile"]
    assert "<html" not in html


def test_an_empty_queue_says_who_has_the_last_cards_and_till_when(
    cases: dict[str, Case], reviewer: User, django_assert_max_num_queries: Any
) -> None:
    now = timezone.now()
    for name, taken in (("li", cases["a"]), ("chen", cases["b"])):
        other = User.objects.create_user(name, role="reviewer")
        Case.objects.filter(id=taken.pk).update(lease_by=other, lease_until=now + timedelta(minutes=4))
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    with django_assert_max_num_queries(24):
        text = client.get("/review/nothing").content.decode()
    until = timezone.localtime(now + timedelta(minutes=4))
    assert f"Cards with colleagues: 2. They come back by {until:%H:%M} at the latest." in text
    assert "(people: 2)" in text
    assert re.search(r"The last report of a vehicle came \d+\sminutes? ago", text), "not when it was seen"
    chinese = client.get("/review/nothing", headers={"accept-language": "zh-hans"}).content.decode()
    assert re.search(r"最近一次收到车辆上报：\d+\s分钟前", chinese)


def test_the_first_day_says_how_cards_come(reviewer: User) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    text = client.get("/review/nothing").content.decode()
    assert "No vehicle has been added yet" in text
    assert "trikeye server vehicle add" in text
    assert "/fleet/" not in text
    User.objects.filter(id=reviewer.pk).update(role="supervisor")
    client.force_login(User.objects.get(id=reviewer.pk))
    assert "/fleet/" in client.get("/review/nothing").content.decode()


def test_a_picture_is_reported_once_a_person_and_only_of_its_case(cases: dict[str, Case], reviewer: User) -> None:
    client, other = Client(), Client()
    client.force_login(reviewer)
    other.force_login(User.objects.create_user("li", role="reviewer"))
    sha256 = Picture.objects.get(sighting__case=cases["a"]).sha256

    def report(by: Client, case: object, sha256: str) -> Any:
        return by.post("/review/broken", {"case": case, "sha256": sha256}).json().get("reports")

    assert [report(client, cases["a"].pk, sha256) for _ in range(2)] == [1, 1]
    assert report(other, cases["a"].pk, sha256) == 2
    assert report(other, cases["b"].pk, "") == 1
    assert report(client, cases["b"].pk, sha256) is None
    assert report(client, "x", sha256) is None
    assert report(client, 10**18, sha256) is None
    assert AuditRow.objects.filter(verb="picture_reported").count() == 3

"""Quality: sums that equal the verdicts, pages that cost the same however many there are, and a threshold that reaches every vehicle."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW

from server import command_figures
from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.models import Case, Sighting
from server.categories.rules import wilson
from server.fleet.models import City, Desire, Heartbeat, Vehicle
from server.fleet.services import add_vehicle
from server.quality import figures, services
from server.quality.figures import Period
from server.quality.models import DayFigure, DayPace, DayPair, DayPerson, DayScore, Wish
from server.quality.rules import Answer
from server.quality.services import Summer, all_days, day_of, sum_day
from server.quality.wishes import NotAdvised, take_back, want, wanted_in
from server.review.models import Gold, Look, Verdict
from server.review.rules import Kind

pytestmark = pytest.mark.django_db
CATEGORIES = ("bagged_garbage", "waste_pile", "road_damage")


@pytest.fixture
def people(db: None) -> list[User]:
    return [User.objects.create_user(name, role="reviewer") for name in ("wangfang", "liqiang", "zhaomin")]


@pytest.fixture
def supervisor(db: None) -> User:
    return User.objects.create_user("sun", role="supervisor")


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    client.cookies["trikeye_language"] = "en"
    return client


@pytest.fixture
def cases(send: Any) -> list[Case]:
    """Thirty cases of three categories; TY-02 is surest of every third, and an older pack of every fourth."""
    for number in range(30):
        send(category=CATEGORIES[number % 3], east_m=80.0 * number, outbox=uuid4(), vehicle=("TY-01", "TY-01", "TY-02")[number % 3],
             pack={"name": "street-old" if number % 4 == 0 else "street", "digest": "b" * 64})  # fmt: skip
    Case.objects.filter(number__in=(3, 6, 9)).update(blind=True, screening="hopeless")
    return list(Case.objects.order_by("number"))


def said(case: Case, person: User, answer: str, at: datetime, **more: Any) -> Verdict:
    """A verdict as the queue writes it, at any time."""
    values: dict[str, Any] = {
        "id": uuid4(), "case": case, "person": person, "answer": answer, "reason": 2 if answer == "reject" else None, "city": case.city,
        "proposed": Sighting.objects.filter(case=case).values_list("category", flat=True)[0], "probability": 0.7, "visible_ms": 4000,
    }  # fmt: skip
    verdict = Verdict.objects.create(**values | more)
    Verdict.objects.filter(id=verdict.pk).update(at=at)
    return verdict


def many(cases: list[Case], people: list[User], count: int = 300, days: int = 20) -> None:
    """Random verdicts over some weeks, some undone, some seconded."""
    random, now = Random(11), timezone.now()
    for _ in range(count):
        case, (one, other) = random.choice(cases), random.sample(people, 2)
        at = now - timedelta(days=days * random.random(), hours=1)
        answer = random.choices(["confirm", "reject", "unsure", "skip"], [60, 30, 5, 5])[0]
        more: dict[str, Any] = {
            "reason": random.choice([1, 2, 3, 4]) if answer == "reject" else None, "category": "road_dirty" if answer == "confirm" and random.random() < 0.1 else "",
            "probability": random.random(), "visible_ms": random.choice([0, 300, 2500, 4000, 9000]), "undone_at": now if random.random() < 0.05 else None,
        }  # fmt: skip
        said(case, one, answer, at, **more)
        if random.random() < 0.2 and answer != "skip":
            said(case, other, random.choice([answer, "reject"]), at + timedelta(minutes=20), kind=random.choice([Kind.SECOND, Kind.LATE]), counted=False)  # fmt: skip


def sum_all() -> None:
    for day in all_days():
        sum_day(day)


def test_sums_equal_the_verdicts(cases: list[Case], people: list[User]) -> None:
    many(cases, people)
    sum_all()
    holds = [v for v in Verdict.objects.filter(counted=True, undone_at=None).select_related("case") if v.answer != "skip"]  # fmt: skip
    rows = DayFigure.objects.filter(vehicle=None)
    summed: Counter[Any] = Counter()
    for day, category, answer, reason, became, count in rows.values_list("day", "category", "answer", "reason", "became", "count"):  # fmt: skip
        summed[day, category, answer, reason, became] += count
    assert summed == Counter((day_of(v.at), v.proposed, v.answer, v.reason, v.category) for v in holds)
    by_vehicle: Counter[Any] = Counter()
    for vehicle, count in DayFigure.objects.exclude(vehicle=None).values_list("vehicle__name", "count"):
        by_vehicle[vehicle] += count
    assert by_vehicle == Counter(v.case.sightings.get().vehicle.name for v in holds)
    assert sum(DayPace.objects.values_list("count", flat=True)) == sum(v.visible_ms > 0 for v in holds)
    of_detector = [v for v in holds if Answer(v.answer, v.reason, v.category).is_of_detector and not v.case.blind]
    assert sum(DayScore.objects.values_list("count", flat=True)) == len(of_detector)
    everything = Verdict.objects.filter(undone_at=None).exclude(answer="skip")
    assert Counter(dict(DayPerson.objects.values_list("person").annotate(n=Sum("count")))) == Counter(v.person_id for v in everything)  # fmt: skip
    assert sum(DayPerson.objects.values_list("fast", flat=True)) == everything.filter(visible_ms=300).count()


def test_summing_again_writes_nothing_and_an_undo_is_taken_out(cases: list[Case], people: list[User]) -> None:
    many(cases, people, 60)
    sum_all()
    assert not any(sum_day(day) for day in all_days())
    last = Verdict.objects.filter(counted=True, undone_at=None, answer="confirm").order_by("-at")[0]
    before = sum(DayFigure.objects.filter(vehicle=None).values_list("count", flat=True))
    Verdict.objects.filter(id=last.pk).update(undone_at=timezone.now())
    assert sum_day(day_of(last.at))
    assert sum(DayFigure.objects.filter(vehicle=None).values_list("count", flat=True)) == before - 1


def test_a_supervisors_last_word_takes_the_place_of_the_answer_it_overruled(cases: list[Case], people: list[User], supervisor: User) -> None:  # fmt: skip
    now = timezone.now()
    said(cases[0], people[0], "confirm", now - timedelta(days=20))
    sum_all()
    said(cases[0], supervisor, "reject", now - timedelta(hours=1), kind=Kind.SETTLED)
    summer = Summer()
    while summer.sum_days(now):
        pass
    assert [row.answer for row in DayFigure.objects.filter(vehicle=None)] == ["reject"]


def test_the_last_days_are_summed_each_minute_and_a_week_each_hour(cases: list[Case], people: list[User], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    summed: list[Any] = []
    monkeypatch.setattr(services, "sum_day", lambda day: summed.append(day) or True)
    now = timezone.now()
    said(cases[0], people[0], "confirm", now - timedelta(days=30))
    said(cases[1], people[0], "confirm", now)
    summer, today = Summer(), day_of(now)

    def run(at: datetime) -> list[int]:
        summed.clear()
        while summer.sum_days(at):
            pass
        return sorted((today - day).days for day in summed)

    assert run(now) == list(range(31)), "what was never summed"
    assert run(now) == list(range(7))
    assert run(now + timedelta(seconds=59)) == []
    assert run(now + timedelta(seconds=60)) == [0, 1]
    assert run(now + timedelta(seconds=61)) == []
    assert run(now - timedelta(days=1)) != [], "a clock that was set back stops nothing"


def test_all_days_are_summed_by_a_command(cases: list[Case], people: list[User], capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    many(cases, people, 40, days=3)
    assert command_figures.run(command_figures.argparse.Namespace()) == 0
    assert "days summed" in capsys.readouterr().out
    assert DayFigure.objects.exists()


def test_no_verdict_is_no_day(db: None) -> None:
    assert list(all_days()) == []
    assert Summer().sum_days(timezone.now()) in (0, 1)


def period(city: City, weeks: int = 13) -> Period:
    today = day_of(timezone.now())
    return Period(city, today - timedelta(weeks=weeks), today, False)


def test_blind_cards_say_what_screening_loses(cases: list[Case], people: list[User]) -> None:
    now = timezone.now()
    for case, answer in zip([case for case in cases if case.blind], ("confirm", "reject", "reject"), strict=True):
        said(case, people[0], answer, now)
    said(cases[0], people[0], "confirm", now)
    sum_all()
    loss = figures.screening_loss(period(cases[0].city))
    assert {reason: (share.part, share.of) for reason, share in loss.items()} == {"hopeless": (1, 3)}


def test_agreement_is_of_blind_second_answers_with_the_first(cases: list[Case], people: list[User]) -> None:
    now = timezone.now() - timedelta(hours=1)
    wang, li, zhao = people
    for case, first, second in zip(cases, ["confirm"] * 6 + ["reject"] * 3, ["confirm"] * 5 + ["reject"] * 4, strict=False):  # fmt: skip
        said(case, wang, first, now)
        said(case, li, second, now + timedelta(minutes=1), kind=Kind.SECOND, counted=False)
    said(cases[20], wang, "unsure", now)
    said(
        cases[20], zhao, "confirm", now + timedelta(minutes=1)
    )  # who decides what another was unsure of is no second opinion
    sum_all()
    found = figures.agreement(period(cases[0].city))
    assert (found.count, found.raw.part) == (9, 8)
    assert found.alpha == pytest.approx(1 - 17 * 2 / (18**2 - 11**2 - 7**2))
    ((one, other, count, raw, kappa),) = found.pairs
    assert (one, other, count) == (wang.pk, li.pk, 9)
    by_chance = (6 * 5 + 3 * 4) / 81
    assert (raw, kappa) == (pytest.approx(8 / 9), pytest.approx((8 / 9 - by_chance) / (1 - by_chance)))
    assert DayPair.objects.count() == 3


def test_fast_answers_and_missed_test_cards_are_counted_by_person(cases: list[Case], people: list[User], supervisor: User) -> None:  # fmt: skip
    now, (wang, li, _zhao) = timezone.now(), people
    for case in cases[:6]:
        said(case, wang, "confirm", now, visible_ms=599)
        said(case, li, "confirm", now, visible_ms=600)
    gold = Gold.objects.create(case=cases[0], city=cases[0].city, answer="reject", made_by=supervisor, made_at=now)
    verdict = said(cases[0], li, "confirm", now, kind=Kind.GOLD, counted=False)
    Look.objects.create(case=cases[0], city=cases[0].city, kind="gold", gold=gold, person=li, verdict=verdict, made_at=now, done_at=now)  # fmt: skip
    sum_all()
    assert figures.persons(period(cases[0].city)) == [("liqiang", 7, 0, 1, 1), ("wangfang", 6, 6, 0, 0)]


@pytest.fixture
def decided(cases: list[Case], people: list[User]) -> list[Case]:
    """Two hundred verdicts on the first case's category: sure ones right, unsure ones wrong."""
    now, mine = timezone.now() - timedelta(hours=1), [case for case in cases if case.category == CATEGORIES[0]]
    for number in range(150):
        said(mine[number % 3], people[0], "confirm", now, probability=0.9)
    for number in range(50):
        said(mine[number % 3], people[0], "reject", now, probability=0.3, reason=1)
    sum_all()
    return cases


def test_every_role_sees_what_it_may(decided: list[Case], supervisor: User) -> None:
    said(decided[0], User.objects.create_user("hasty", role="reviewer"), "confirm", timezone.now(), visible_ms=1)
    sum_all()
    auditor = User.objects.create_user("qian", role="auditor")
    pages = {person.username: client_of(person).get("/quality/").content.decode() for person in (supervisor, auditor)}
    assert "Bagged garbage" in pages["qian"]
    assert "Whom to talk to" in pages["sun"]
    assert (
        "Too fast is an answer within 0.6 s. Named is who gave 5 or more of these, and more than 2% of their own answers"
        in pages["sun"]
    )
    assert "In these weeks that is nobody." in pages["sun"], "one quick answer is not enough"
    assert 'name="threshold"' in pages["sun"]
    assert "Whom to talk to" not in pages["qian"]
    assert 'name="threshold"' not in pages["qian"]
    assert client_of(auditor).post("/quality/threshold").status_code == 403
    assert client_of(User.objects.get(username="wangfang")).get("/quality/").status_code == 403


def test_no_name_of_a_reviewer_is_on_the_auditors_page(decided: list[Case], people: list[User]) -> None:
    now = timezone.now()
    said(decided[0], people[0], "confirm", now, visible_ms=1)
    for case in decided[:5]:
        said(case, people[1], "reject", now + timedelta(minutes=1), kind=Kind.LATE, counted=False)
    sum_all()
    page = client_of(User.objects.create_user("qian", role="auditor")).get("/quality/").content.decode()
    assert f"{people[0].pk} · {people[1].pk}" in page
    assert not [person.username for person in people if person.username in page]


@pytest.mark.parametrize("address", ["/quality/", "/quality/category/bagged_garbage/", "/quality/vehicle/TY-01/"])
def test_a_page_asks_the_database_as_often_however_much_was_decided(
    address: str, cases: list[Case], people: list[User], supervisor: User, django_assert_max_num_queries: Any
) -> None:  # fmt: skip
    client = client_of(supervisor)
    many(cases, people, 30, days=5)
    sum_all()
    client.get(address)
    with django_assert_max_num_queries(16) as few:
        assert client.get(address).status_code == 200
    many(cases, people, 300, days=80)
    for number in range(3, 15):
        add_vehicle(f"TY-{number:02}")
    sum_all()
    with django_assert_max_num_queries(len(few)):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", ["/quality/", "/quality/category/bagged_garbage/", "/quality/vehicle/TY-01/"])
def test_pages_read_sums_alone(address: str, decided: list[Case], supervisor: User) -> None:
    client = client_of(supervisor)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(address)
    tables = [name for name in ("review_verdict", "cases_case", "cases_sighting") for query in asked if f'FROM "{name}"' in query["sql"]]  # fmt: skip
    assert tables == []


def test_the_page_says_so_where_there_is_nothing(vehicle: Vehicle, supervisor: User) -> None:
    assert "Nothing has been decided in these weeks" in client_of(supervisor).get("/quality/").content.decode()
    assert client_of(supervisor).get("/quality/category/bagged_garbage/").status_code == 404
    assert client_of(supervisor).get("/quality/vehicle/TY-99/").status_code == 404
    assert "was decided in these weeks" in client_of(supervisor).get("/quality/vehicle/TY-01/").content.decode()


def test_without_a_city_it_says_how_to_add_a_vehicle(supervisor: User) -> None:
    assert "vehicle add" in client_of(supervisor).get("/quality/").content.decode()
    assert client_of(supervisor).get("/quality/category/x/").status_code == 404


@pytest.mark.parametrize("query", ["?weeks=4", "?weeks=999", "?weeks=x", "?weeks=%F0%9D%9F%97", "?weeks=-1", "?city=taiyuan"])  # fmt: skip
def test_a_strange_span_is_the_usual_one(query: str, decided: list[Case], supervisor: User) -> None:
    assert client_of(supervisor).get(f"/quality/{query}").status_code == 200


def test_another_city_is_not_found(decided: list[Case]) -> None:
    other = City.objects.create(key="datong", name_zh="大同", name_en="Datong")
    person = User.objects.create_user("he", role="supervisor", city=other)
    assert client_of(person).get("/quality/?city=taiyuan").status_code == 404
    assert client_of(person).get("/quality/vehicle/TY-01/").status_code == 404
    assert client_of(person).post("/quality/threshold?city=taiyuan", {"category": CATEGORIES[0], "threshold": "0.35"}).status_code == 404  # fmt: skip


def test_the_figures_of_the_page_are_those_of_the_verdicts(decided: list[Case], supervisor: User) -> None:
    page = client_of(supervisor).get("/quality/").content.decode()
    low, high = (round(100 * each, 1) for each in wilson(150, 200))
    assert f"{low}–{high}" in page
    assert "75.0 %" in page
    assert ">4.1<" in page, "the middle of the step of time that four seconds fall into"


def test_what_cameras_saw_is_shown_alone_once_there_is_any(decided: list[Case], people: list[User], supervisor: User) -> None:  # fmt: skip
    client = client_of(supervisor)
    assert "drawn or replayed" in client.get("/quality/").content.decode()
    Case.objects.filter(id=decided[1].pk).update(origin="camera")
    said(decided[1], people[0], "confirm", timezone.now())
    sum_all()
    page = client.get("/quality/").content.decode()
    assert "drawn or replayed" not in page
    assert "Accumulated waste" in page
    assert "Bagged garbage" not in page


def wanted(city: City, category: str = CATEGORIES[0]) -> tuple[float, int, int, int]:
    found = wanted_in(city)[category]
    return found.least_probability, found.vehicles, found.asked, found.reported


def test_thresholds_on_which_there_is_nothing_to_say_are_folded(decided: list[Case], people: list[User], supervisor: User) -> None:  # fmt: skip
    """A wish stays in sight whatever the verdicts say, so that it can be taken back."""
    client = client_of(supervisor)
    said(decided[1], people[0], "confirm", timezone.now())
    client.post("/quality/threshold", {"category": CATEGORIES[0], "threshold": "0.35"})
    wanted_row, other_row = (f'name="category" value="{key}"' for key in CATEGORIES[:2])
    for answer in ("confirm", "reject"):
        Verdict.objects.filter(proposed=CATEGORIES[0]).update(answer=answer, reason=1 if answer == "reject" else None)
        sum_all()
        in_sight, folded = client.get("/quality/").content.decode().split('id="unadvised"')
        assert (wanted_row in in_sight, other_row in in_sight, other_row in folded) == (True, False, True)


def test_a_supervisor_takes_an_advice_and_every_vehicle_of_the_city_is_asked(decided: list[Case], supervisor: User) -> None:  # fmt: skip
    client, city = client_of(supervisor), decided[0].city
    assert "0.35 would lose 0 of 150 confirmed cases and spare 50 wrong ones" in client.get("/quality/").content.decode()  # fmt: skip
    answer = client.post("/quality/threshold", {"category": CATEGORIES[0], "threshold": "0.35"})
    assert answer.status_code == 302
    assert [desire.settings for desire in Desire.objects.all()] == [{"least_probability.bagged_garbage": 0.35}] * 2
    (row,) = AuditRow.objects.filter(verb="threshold_wanted")
    assert (row.actor_id, row.object_id, row.detail["least_probability"], row.detail["lost"], row.detail["spared"]) == (supervisor.pk, CATEGORIES[0], 0.35, 0, 50)  # fmt: skip
    assert AuditRow.objects.filter(verb="vehicle_desired", actor=supervisor).count() == 2
    assert wanted(city) == (0.35, 2, 2, 0)
    heard(Vehicle.objects.get(name="TY-01"), 1)
    heard(Vehicle.objects.get(name="TY-02"), 0)
    assert wanted(city) == (0.35, 2, 2, 1)
    page = client.get(answer.headers["Location"]).content.decode()
    assert "reported by 1 of 2 vehicles" in page
    assert "Want 0.35" not in page


def heard(vehicle: Vehicle, revision: int) -> None:
    Heartbeat.objects.create(vehicle=vehicle, digest="d", body={"settings_revision": revision}, received_at=NOW)


def test_a_vehicle_that_came_later_is_asked_by_the_same_word_again(decided: list[Case], supervisor: User) -> None:
    client, city = client_of(supervisor), decided[0].city
    client.post("/quality/threshold", {"category": CATEGORIES[0], "threshold": "0.35"})
    add_vehicle("TY-03")
    assert wanted(city) == (0.35, 3, 2, 0)
    assert "Want 0.35" in client.get("/quality/").content.decode()
    client.post("/quality/threshold", {"category": CATEGORIES[0], "threshold": "0.35"})
    assert wanted(city) == (0.35, 3, 3, 0)
    assert list(Desire.objects.values_list("revision", flat=True)) == [1, 1, 1], "who had it is not told again"


def test_a_wish_is_taken_back_from_every_vehicle(decided: list[Case], supervisor: User) -> None:
    client, city = client_of(supervisor), decided[0].city
    client.post("/quality/threshold", {"category": CATEGORIES[0], "threshold": "0.35"})
    assert client.post("/quality/threshold", {"category": CATEGORIES[0], "threshold": ""}).status_code == 302
    assert wanted_in(city) == {}
    assert [desire.settings for desire in Desire.objects.all()] == [{}] * 2
    assert list(Wish.objects.values_list("least_probability", flat=True)) == [0.35, None]
    with pytest.raises(NotAdvised):
        take_back(city, CATEGORIES[0], supervisor, NOW)


@pytest.mark.parametrize("asked", [
    {"category": CATEGORIES[0], "threshold": "0.10"}, {"category": CATEGORIES[0], "threshold": "nan"}, {"category": "unicorn", "threshold": "0.35"},
    {"category": CATEGORIES[1], "threshold": "0.35"}, {"category": CATEGORIES[1], "threshold": ""}, {},
])  # fmt: skip
def test_what_the_verdicts_do_not_advise_now_is_refused_and_changes_nothing(asked: dict[str, str], decided: list[Case], supervisor: User) -> None:  # fmt: skip
    answer = client_of(supervisor).post("/quality/threshold", asked)
    assert answer.status_code == 409
    assert 'role="alert"' in answer.content.decode()
    assert not Desire.objects.exists()
    assert not Wish.objects.exists()
    assert not AuditRow.objects.filter(verb="threshold_wanted").exists()


def test_revoked_vehicles_and_those_of_other_cities_are_not_asked(decided: list[Case], supervisor: User) -> None:
    city = decided[0].city
    other = City.objects.create(key="datong", name_zh="大同", name_en="Datong")
    add_vehicle("DT-01")
    Vehicle.objects.filter(name="DT-01").update(city=other)
    Vehicle.objects.filter(name="TY-02").update(revoked_at=NOW)
    assert want(period(city), CATEGORIES[0], "0.35", supervisor, NOW) == 1
    assert [desire.vehicle.name for desire in Desire.objects.all()] == ["TY-01"]

"""The audit is sealed: what is altered, removed or inserted later shows, and in which batch."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from server.audit.models import AuditRow, AuditSeal
from server.audit.rules import Verb
from server.audit.seals import BATCH, Sealer, look_at, seal
from server.audit.services import record
from server.fleet.models import City
from trikeye import main

pytestmark = pytest.mark.django_db


@pytest.fixture
def later() -> Any:
    return timezone.now() + timedelta(minutes=1)


@pytest.fixture
def city(db: None) -> City:
    return City.objects.create(key="taiyuan", name_zh="太原", name_en="Taiyuan")


def rows(city: City | None, count: int) -> list[AuditRow]:
    for number in range(count):
        record(Verb.CASE_MOVED, "case", number, city_id=city.pk if city else None, old="new", share=0.1, ünïcode="名")
    return list(AuditRow.objects.filter(city=city).order_by("id"))


def test_batches_follow_each_other_in_one_chain_a_city(city: City, later: Any) -> None:
    rows(city, 5)
    rows(None, 3)
    assert seal("taiyuan", later) == 5
    rows(city, 2)
    assert seal("taiyuan", later) == 2
    assert seal("taiyuan", later) == 0
    assert seal("", later) == 3
    first, second = AuditSeal.objects.filter(chain="taiyuan").order_by("number")
    assert (second.number, second.previous, second.count) == (2, first.digest, 2)
    found = look_at("taiyuan")
    assert (found.seals, found.rows, found.unsealed, found.faults, found.head) == (2, 7, 0, [], second.digest)


def test_rows_that_may_not_have_settled_wait(city: City) -> None:
    rows(city, 2)
    assert seal("taiyuan", timezone.now()) == 0
    assert look_at("taiyuan").unsealed == 2


def test_much_is_sealed_a_bounded_bit_at_a_time(city: City, later: Any) -> None:
    AuditRow.objects.bulk_create([AuditRow(city=city, verb="case_moved", kind="case", object_id=str(n)) for n in range(BATCH + 1)])  # fmt: skip
    sealer = Sealer()
    assert [sealer.seal_audit(later) for _ in range(3)] == [1, 0, 0]
    assert list(AuditSeal.objects.filter(chain="taiyuan").values_list("count", flat=True)) == [BATCH, 1]
    rows(city, 1)
    assert sealer.seal_audit(later + timedelta(seconds=2)) == 0
    assert look_at("taiyuan").unsealed == 1
    sealer.seal_audit(later + timedelta(seconds=61))
    assert look_at("taiyuan").unsealed == 0


ALTERED = {
    "detail": lambda row: AuditRow.objects.filter(pk=row.pk).update(detail={"old": "queued"}),
    "actor": lambda row: AuditRow.objects.filter(pk=row.pk).update(verb="undo"),
    "time": lambda row: AuditRow.objects.filter(pk=row.pk).update(at=row.at + timedelta(microseconds=1)),
    "removed": lambda row: row.delete(),
    "moved to another city": lambda row: AuditRow.objects.filter(pk=row.pk).update(city=None),
}


@pytest.mark.parametrize("how", ALTERED)
def test_what_was_done_to_a_row_shows_with_its_batch(city: City, later: Any, how: str, capsys: Any) -> None:
    rows(city, 3)
    seal("taiyuan", later)
    victim = rows(city, 3)[4]
    seal("taiyuan", later)
    ALTERED[how](victim)
    assert main(["server", "audit", "verify", "--city", "taiyuan", "--json"]) == 1
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert not told["ok"]
    assert {fault["number"] for fault in told["faults"]} == {2}
    assert "batch 2" in said.err
    assert main(["server", "audit", "verify", "--city", "taiyuan"]) == 1
    said = capsys.readouterr()
    assert "taiyuan: ALTERED 已被改动, " in said.out
    assert "unaltered" not in said.out


def test_a_row_that_was_slipped_in_shows(city: City, later: Any) -> None:
    kept = rows(city, 3)
    AuditRow.objects.filter(pk=kept[1].pk).delete()
    seal("taiyuan", later)
    AuditRow.objects.create(pk=kept[1].pk, city=city, verb="case_moved", kind="case", object_id="1")
    assert [fault.what for fault in look_at("taiyuan").faults] == ["1 rows inserted"]


def test_a_chain_made_anew_does_not_have_the_head_that_was_kept(city: City, later: Any, capsys: Any) -> None:
    rows(city, 3)
    seal("taiyuan", later)
    assert main(["server", "audit", "head", "--city", "taiyuan", "--json"]) == 0
    head = json.loads(capsys.readouterr().out)[0]["head"]
    assert main(["server", "audit", "verify", "--head", head]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "(no city): nothing sealed yet, 0 rows in 0 batches, 0 not sealed yet",
        "taiyuan: unaltered 未被改动, 3 rows in 1 batches, 0 not sealed yet",
        f"head {head[:12]}: still in the chain of taiyuan 仍在链中",
        "all unaltered 未被改动: 3 sealed rows are as they were written",
    ]
    AuditRow.objects.filter(city=city).update(verb="undo")
    AuditSeal.objects.all().delete()
    seal("taiyuan", later)
    assert main(["server", "audit", "verify"]) == 0
    assert main(["server", "audit", "verify", "--head", head]) == 1
    assert f"no batch has the head {head}" in capsys.readouterr().err


def test_a_batch_that_is_gone_shows(city: City, later: Any) -> None:
    for _ in range(3):
        rows(city, 2)
        seal("taiyuan", later)
    AuditSeal.objects.get(number=2).delete()
    assert look_at("taiyuan").faults[0].what == "batch 2 is missing before it"

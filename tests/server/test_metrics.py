"""What Prometheus reads: every process's counters added up, what waits as the database has it, and no label that grows."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from sightings import NOW

from demo.chain import free_port
from server.cases.models import Case
from server.city.models import Handover
from server.city.services import add_destination, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.review.services import decide, lease
from server.screening.services import screen_new
from server.start import counted_folder

ALERTS = Path(__file__).resolve().parents[2] / "docs/alerts.yaml"
HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"}


def read(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Figures by name and values of their labels, these in the order of their names."""
    return {(sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value for family in text_string_to_metric_families(text) for sample in family.samples}  # fmt: skip


def figures() -> dict[tuple[str, tuple[str, ...]], float]:
    answered = Client(**HERE).get("/metrics")
    assert answered.status_code == 200
    assert answered.headers["Content-Type"].startswith("text/plain")
    return read(answered.content.decode())


@pytest.mark.django_db
def test_what_waits_is_told_as_the_database_has_it(send: Any, reviewer: Any, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:  # fmt: skip
    settings.GRACE_S = 0
    for number in range(4):
        send(east_m=60.0 * number, seed=number)
    screen_new(timezone.now() - timedelta(minutes=10))
    Case.objects.filter(number=4).update(shadow=True)
    cards = lease(reviewer, timezone.now())
    decide(reviewer, uuid4(), cards[0].pk, "confirm", timezone.now())
    found = figures()
    assert found["trikeye_cases", ("no", "queued")] == 2
    assert found["trikeye_cases", ("yes", "queued")] == 1
    assert found["trikeye_cases", ("no", "confirmed")] == 1
    assert found["trikeye_cases_oldest_seconds", ("no", "queued")] == pytest.approx(600, abs=60)
    assert found["trikeye_cards_held", ()] == 2
    assert found["trikeye_handovers", ("waiting",)] == 0
    monkeypatch.setattr("server.city.services.send", lambda *_: Answer(False, error="no route"))
    add_destination(cards[0].city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    prepare_handovers(timezone.now())
    Handover.objects.update(made_at=timezone.now() - timedelta(hours=1))
    send_due(timezone.now())
    found = figures()
    assert found["trikeye_handovers", ("waiting",)] == found["trikeye_handovers", ("tried_in_vain",)] == 1
    assert found["trikeye_handovers_oldest_seconds", ()] == pytest.approx(3600, abs=60)
    assert found["trikeye_vehicles", ("offline",)] == 2
    assert found["trikeye_disk_free_bytes", ()] > 0


@pytest.mark.django_db(transaction=True)
def test_deeds_and_answers_are_counted_once_they_are_sure(send: Any, reviewer: Any, client: Client) -> None:
    send()
    send(east_m=60.0, seed=2)
    screen_new(NOW)
    before = figures()
    client.force_login(reviewer)
    client.post("/review/lease")
    for case, answer in zip(Case.objects.order_by("id"), ("confirm", "unsure"), strict=True):
        decide(reviewer, uuid4(), case.pk, answer, timezone.now())
    client.get("/nowhere/")
    after = figures()

    def more(name: str, *labels: str) -> float:
        return after.get((name, labels), 0) - before.get((name, labels), 0)

    assert more("trikeye_cards_leased_total") == 2
    assert more("trikeye_verdicts_total", "confirm", "true") == more("trikeye_verdicts_total", "unsure", "true") == 1
    assert more("trikeye_deeds_total", "verdict") == 2
    assert more("trikeye_deeds_total", "case_moved") == 2
    assert more("trikeye_requests_total", "2xx", "review_lease") == 1
    assert more("trikeye_requests_total", "4xx", "none") == 1
    assert more("trikeye_request_seconds_count", "review_lease") == 1


@pytest.mark.django_db
def test_no_address_makes_a_series_of_its_own_and_figures_cost_few_queries(send: Any, client: Client, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    send()
    for number in range(30):
        client.get(f"/nowhere/{number}/")
        client.get(f"/cases/{number}/?state={number}")
    with django_assert_max_num_queries(30), CaptureQueriesContext(connection) as queries:
        found = figures()
    with connection.cursor() as cursor:
        for query in queries:
            for table, index in (("cases_case", "INDEX case_"), ("city_handover", "INDEX handover_due")):
                if f'FROM "{table}"' in query["sql"]:
                    plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}").fetchall())
                    assert index in plan, (query["sql"], plan)
    views = {labels[1] for name, labels in found if name == "trikeye_requests_total"}
    assert not [each for each in views if re.search(r"\d", each)]
    assert len(found) < 3000


@pytest.mark.django_db
def test_every_figure_that_an_alert_asks_for_is_told_and_every_label_known() -> None:
    told = Client(**HERE).get("/metrics").content.decode()
    names = set(re.findall(r"^# TYPE (\w+)", told, re.MULTILINE))
    rules = [line for line in ALERTS.read_text().splitlines() if "expr:" in line]
    asked = {name for line in rules for name in re.findall(r"trikeye_\w+", line)}
    assert len(asked) >= 9
    assert {name.removesuffix("_bucket") for name in asked} <= names
    labels = {label for line in rules for label in re.findall(r"(\w+)!?=~?\"", line)}
    assert labels <= {"job", "view", "status", "outcome", "kind", "state", "shadow"}


@pytest.mark.process
def test_counters_of_all_processes_are_added_up_and_gone_with_them(tmp_path: Path) -> None:
    """Two workers of the pages and the work process, as shipped; one worker is killed, and what it counted stays."""
    port, data = free_port(), tmp_path / "data"
    env = {**os.environ, "TRIKEYE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "server.settings"}
    start = [sys.executable, "-m", "trikeye", "server"]
    subprocess.run([*start, "migrate", "--quiet"], env=env, check=True, timeout=120)
    processes = [subprocess.Popen([*start, *part], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                 for part in (["web", "--port", str(port), "--workers", "2"], ["work"])]  # fmt: skip
    try:
        asked = 0
        for _ in range(300):
            try:
                asked += urllib.request.urlopen(f"http://127.0.0.1:{port}/health/", timeout=5).status == 200
            except OSError:
                time.sleep(0.2)
            if asked == 40:
                break
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode()
        counted = read(text)["trikeye_requests_total", ("2xx", "health")]
        assert counted >= 40  # one whose answer came too late for this test was answered all the same
        env_data = os.environ["TRIKEYE_DATA"]
        os.environ["TRIKEYE_DATA"] = str(data)
        folder = counted_folder()
        os.environ["TRIKEYE_DATA"] = env_data
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {each.name for each in folder.iterdir()} == {f"web-{port}", "work"}
        workers = {int(file.stem.rpartition("_")[2]) for file in folder.glob("web-*/histogram_*.db")}
        os.kill(min(workers), signal.SIGKILL)
        for _ in range(100):
            try:
                text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode()
                break
            except OSError:
                time.sleep(0.2)
        assert read(text)["trikeye_requests_total", ("2xx", "health")] == counted
        assert read(text)["trikeye_part_silent_seconds", ("work",)] < 60
    finally:
        for each in processes:
            each.terminate()
        for each in processes:
            each.wait(30)
    assert not folder.exists()


def test_where_memory_cannot_be_shared_counters_lie_under_the_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.setenv("TRIKEYE_METRICS", str(tmp_path / "here"))
    assert counted_folder() == tmp_path / "here"
    monkeypatch.delenv("TRIKEYE_METRICS")
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert counted_folder() == settings.DATA / "metrics"

"""What decided cases teach leaves as a folder: what a person judged and may be shown, nobody's name, nothing half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from sightings import NOW

from models.verdicts import LINES, NOTHING_OF_THE_KIND, BadExport, Judged, picture_of, read_export
from server.accounts.models import User
from server.cases.models import Case, Sighting
from server.review.export import Exported, export_verdicts
from server.review.models import Dispute, Verdict
from server.review.rules import FACE_REASON, REASONS, Kind
from server.review.services import decide, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)
Answer = Callable[..., Case]


@pytest.fixture
def answer(send: Any, reviewer: Any) -> Answer:
    """One card at a place of its own, answered."""

    def answered(number: int, said: str, reason: int | None = None, really: str = "", **changes: Any) -> Case:
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number, **changes)
        screen_new(NOW)
        case = Case.objects.get(state="queued")
        decide(reviewer, uuid4(), case.pk, said, timezone.now(), reason=reason, category=really)
        Case.objects.filter(state="disputed").update(lease_by=None)
        return case

    return answered


def exported(out: Path, since: datetime | None = None) -> tuple[Exported, list[Judged]]:
    done = export_verdicts(out, since, lambda _: None)
    return done, list(read_export(out))


def test_a_line_says_what_was_proposed_and_what_a_person_made_of_it(answer: Answer, tmp_path: Path) -> None:
    right = answer(1, "confirm", detail="garbage_bag")
    wrong = answer(2, "reject", 2)
    dear = answer(3, "reject", 3)
    unsure = answer(4, "unsure")
    done, lines = exported(tmp_path / "out")
    assert [(line.case, line.verdict, line.decided, line.reason, line.is_right) for line in lines] == [
        (right.pk, "confirmed", "bagged_garbage", None, True), (wrong.pk, "rejected", "", 2, False),
        (dear.pk, "rejected", "", 3, None), (unsure.pk, "unsure", "", None, None),
    ]  # fmt: skip
    assert (lines[0].label, lines[0].score, lines[0].probability, lines[0].pack) == ("garbage_bag", 0.8, 0.7, "street")
    assert lines[0].pictures[0].box == pytest.approx((0.125, 40 / 180, 0.375, 140 / 180))
    assert all(picture_of(tmp_path / "out", shown).is_file() for line in lines for shown in line.pictures)
    assert (done.cases, done.sightings, done.pictures) == (4, 4, 4)
    assert done.verdicts == {"confirmed": 1, "rejected": 2, "unsure": 1}


def test_no_person_is_named(answer: Answer, reviewer: Any, tmp_path: Path) -> None:
    answer(1, "confirm")
    Verdict.objects.update(words="wang li knows the owner")
    exported(tmp_path / "out")
    text = (tmp_path / "out" / LINES).read_text()
    assert reviewer.username not in text
    assert "person" not in text


def test_a_changed_category_is_the_one_decided(answer: Answer, tmp_path: Path) -> None:
    answer(1, "confirm", really="exposed_garbage")
    _, (line,) = exported(tmp_path / "out")
    assert (line.proposed, line.decided, line.is_right) == ("bagged_garbage", "exposed_garbage", False)


def test_a_box_that_a_person_drew_takes_the_place_of_the_networks(answer: Answer, tmp_path: Path) -> None:
    case = answer(1, "confirm")
    picture = case.sightings.get().pictures.get()
    Verdict.objects.update(box=[32, 18, 160, 90], box_sha256=picture.sha256)
    _, (line,) = exported(tmp_path / "out")
    assert line.pictures[0].box == pytest.approx((0.1, 0.1, 0.5, 0.5))
    Verdict.objects.update(box_sha256="0" * 64)  # drawn on another picture
    _, (line,) = exported(tmp_path / "out")
    assert line.pictures[0].box == pytest.approx((0.125, 40 / 180, 0.375, 140 / 180))


def test_two_answers_that_differ_teach_nothing_until_a_supervisor_has_decided(answer: Answer, reviewer: Any, tmp_path: Path) -> None:  # fmt: skip
    case = answer(1, "confirm")
    first = Verdict.objects.get()
    li = User.objects.create_user("li", role="reviewer")
    values = {"case": case, "city": case.city, "proposed": case.category, "answer": "reject", "reason": 2}
    second = Verdict.objects.create(id=uuid4(), person=li, kind=Kind.SECOND, counted=False, **values)
    dispute = Dispute.objects.create(case=case, city=case.city, first=first, second=second, opened_at=timezone.now())
    assert exported(tmp_path / "out")[1] == []
    Verdict.objects.create(id=uuid4(), person=reviewer, kind=Kind.SETTLED, counted=True, **values)
    Dispute.objects.filter(id=dispute.pk).update(settled_at=timezone.now(), outcome="second")
    Case.objects.update(state="rejected")
    _, (line,) = exported(tmp_path / "out")
    assert (line.verdict, line.reason) == ("rejected", 2)


def test_what_joined_after_the_verdict_was_never_judged(answer: Answer, send: Any, tmp_path: Path) -> None:
    case = answer(1, "confirm")
    send(east_m=60.0, outbox=UUID(int=9), seed=9)
    assert Sighting.objects.filter(case=case).count() == 2
    done, lines = exported(tmp_path / "out")
    assert len(lines) == 1
    assert done.left_out == {"seen after the verdict": 1}


def test_an_undone_verdict_and_a_case_that_waits_again_teach_nothing(
    answer: Answer, reviewer: Any, tmp_path: Path
) -> None:
    answer(1, "confirm")
    undo(reviewer, timezone.now())
    assert exported(tmp_path / "out")[1] == []
    Case.objects.update(state="confirmed")
    answer(2, "reject", 1)
    Case.objects.filter(state="rejected").update(state="queued")
    assert exported(tmp_path / "out")[1] == []


def test_pictures_without_redaction_or_with_a_face_stay(answer: Answer, tmp_path: Path) -> None:
    answer(1, "confirm")
    answer(2, "confirm")
    done, lines = exported(tmp_path / "out")
    assert len(lines) == 2
    Sighting.objects.filter(case=lines[0].case).update(redaction_digest="")
    seen = answer(3, "reject", FACE_REASON)
    done, left = exported(tmp_path / "out")
    assert [line.case for line in left] == [lines[1].case]
    assert done.left_out == {"no redaction recorded": 1, "no picture that may be shown": 1}
    kept = {path.stem for path in (tmp_path / "out").rglob("*.jpg")}
    assert kept == {shown.sha256 for shown in left[0].pictures}, "what may no longer be shown has left the folder"
    assert seen.pk not in [line.case for line in left]


def test_since_leaves_older_verdicts_out(answer: Answer, tmp_path: Path) -> None:
    answer(1, "confirm")
    Verdict.objects.update(at=timezone.now() - timedelta(days=9))
    new = answer(2, "confirm")
    assert [line.case for line in exported(tmp_path / "out", timezone.now() - timedelta(days=1))[1]] == [new.pk]


def test_a_broken_off_export_leaves_the_old_lines_and_no_half_picture(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    answer(1, "confirm")
    exported(out)
    before = (out / LINES).read_text()
    answer(2, "confirm")

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="no space"):
            exported(out)
    assert (out / LINES).read_text() == before
    assert len(exported(out)[1]) == 2
    assert not list(out.rglob("*.part"))


def test_the_rows_are_read_in_batches(
    answer: Answer, django_assert_max_num_queries: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two queries a batch, however many cases; and a case is never torn between two."""
    monkeypatch.setattr("server.review.export.BATCH", 2)
    for number in range(5):
        answer(number, "confirm")
    with django_assert_max_num_queries(1 + 2 * 3):
        _, lines = exported(tmp_path / "out")
    assert len(lines) == 5


def test_the_verb_ends_with_what_it_wrote(tmp_path: Path) -> None:
    environment = {"TRIKEYE_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"}
    trikeye = [sys.executable, "-m", "trikeye", "server"]
    subprocess.run([*trikeye, "migrate", "--quiet"], env=environment, check=True)
    argv = [*trikeye, "export", "verdicts", "--out", str(tmp_path / "out"), "--since", "2026-11-01", "--json"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["cases"] == 0
    assert list(read_export(tmp_path / "out")) == []


def test_what_the_format_calls_a_reason_is_one_of_the_queue() -> None:
    assert set(REASONS) >= NOTHING_OF_THE_KIND
    assert FACE_REASON not in NOTHING_OF_THE_KIND


def test_a_broken_line_or_picture_is_named(answer: Answer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer(1, "confirm")
    _, (line,) = exported(out)
    picture_of(out, line.pictures[0]).write_bytes(b"other")
    with pytest.raises(BadExport, match="not the picture its name says"):
        picture_of(out, line.pictures[0])
    (out / LINES).write_text((out / LINES).read_text() + '{"version": 2}\n')
    with pytest.raises(BadExport, match=rf"{LINES}:2: version"):
        list(read_export(out))
    with pytest.raises(BadExport, match="trikeye server export verdicts"):
        list(read_export(tmp_path))

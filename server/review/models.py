from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q

from server.review.rules import Kind, LookKind


class Verdict(models.Model):
    """One answer of one person to one card. The id is made in the browser, so that a resend is the same verdict.

    `counted` ones decided a case. `city`, `proposed` and `probability` are the case's when it was answered; `box` in pixels of the picture `box_sha256`, and
    the place, are the person's own where they corrected what was proposed.
    """

    id = models.UUIDField(primary_key=True)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="verdicts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in Kind], default=Kind.FIRST)
    answer = models.CharField(max_length=8)
    reason = models.PositiveSmallIntegerField(null=True)
    words = models.CharField(max_length=300, blank=True)
    category = models.CharField(max_length=48, blank=True)
    box = models.JSONField(null=True)
    box_sha256 = models.CharField(max_length=64, blank=True)
    lat_deg = models.FloatField(null=True)
    lon_deg = models.FloatField(null=True)
    city = models.ForeignKey("fleet.City", null=True, on_delete=models.PROTECT, db_index=False)
    proposed = models.CharField(max_length=48, blank=True)
    probability = models.FloatField(null=True)
    batch = models.UUIDField(null=True)
    visible_ms = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(auto_now_add=True)
    counted = models.BooleanField(default=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["person", "-at"], name="verdict_of_person"),
            models.Index(fields=["case", "person", "at"], name="verdict_of_case"),
            models.Index(fields=["city", "proposed", "-at"], name="verdict_of_category"),
            models.Index(fields=["-at"], name="verdict_of_face", condition=Q(reason=8)),
            models.Index(fields=["at"], name="verdict_of_day"),
        ]


class Gold(models.Model):
    """A case whose right answer is known, dealt among the others now and then; `retired_at` None: still. `retired_because`: what took it out of use by itself, "" for a person's word."""

    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="golds")
    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT)
    answer = models.CharField(max_length=8)
    category = models.CharField(max_length=48, blank=True)  # as which it is to be confirmed
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    retired_because = models.CharField(max_length=24, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case"], condition=Q(retired_at=None), name="case_gold_once")]


class Look(models.Model):
    """A look at a case that has been decided: by somebody else than `first_person`, blind, or at a gold card. A lease in its row, as a case has one.

    `done_at`: when it was answered, by `verdict`, or nobody needed it any more. `weight`: a gold card of a batch counts double.
    """

    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="looks")
    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in LookKind])
    about = models.ForeignKey(Verdict, null=True, on_delete=models.PROTECT, related_name="looks")
    first_person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)  # fmt: skip
    gold = models.ForeignKey(Gold, null=True, on_delete=models.PROTECT, related_name="looks")
    shadow = models.BooleanField(default=False)  # as the case was before it was decided
    weight = models.PositiveSmallIntegerField(default=1)
    made_at = models.DateTimeField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)  # fmt: skip
    lease_until = models.DateTimeField(null=True)
    verdict = models.OneToOneField(Verdict, null=True, on_delete=models.PROTECT, related_name="look")
    done_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["first_person", "id"], name="look_to_take", condition=Q(done_at=None, kind="second")),
            models.Index(fields=["person"], name="look_held", condition=Q(done_at=None)),
            models.Index(fields=["person", "-made_at"], name="look_at_gold", condition=Q(kind="gold")),
            models.Index(fields=["city", "-case"], name="look_at_case", condition=Q(done_at=None)),
        ]


class LooksOfDay(models.Model):
    """Of a city's local day: cards that were decided, and second looks asked for, and left out because there were too many (`server/review/rules.is_room`)."""

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    decided = models.PositiveIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "day"], name="looks_of_day_once")]


class Dispute(models.Model):
    """Two answers that do not agree; `settled_at` None: a supervisor is waited for. `outcome`: whose answer holds, or that the first was taken back."""

    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="disputes")
    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT)
    first = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, blank=True)
    settled_by = models.ForeignKey(Verdict, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(settled_at=None), name="case_disputed_once")
        ]
        indexes = [models.Index(fields=["-settled_at"], name="dispute_settled")]


class Batch(models.Model):
    """Twelve cards of one category of a city, laid before one person together; `done_at` None: not answered yet."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT)
    category = models.CharField(max_length=48)
    cases = models.JSONField()
    gold = models.ForeignKey(Look, null=True, on_delete=models.SET_NULL, related_name="batches")
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    shown_ms = models.PositiveIntegerField(default=0)
    missed_gold = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["person", "done_at"], name="batch_missed", condition=Q(missed_gold=True))]


class ZoneProposal(models.Model):
    """A reviewer said that a thing is permitted where it stands: perhaps the city's zones lack one there. `closed_at` None: a supervisor has not answered."""

    verdict = models.OneToOneField(Verdict, primary_key=True, on_delete=models.PROTECT, related_name="zone_proposal")
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="zone_proposals")
    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT, db_index=False)
    made_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    accepted = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["city", "made_at"], name="zone_proposed", condition=Q(closed_at=None))]


class MergeByVerdict(models.Model):
    """A card was rejected as the same as another case: these `sightings` went into that one, and come back if the answer is undone."""

    verdict = models.OneToOneField(Verdict, primary_key=True, on_delete=models.PROTECT, related_name="merge")
    into = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="+", db_index=False)
    sightings = models.JSONField()

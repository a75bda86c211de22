from __future__ import annotations

from typing import Literal

from django.conf import settings
from django.db import models
from django.db.models import Q, Value

from server.cases.rules import State


def in_shadow(is_so: bool) -> Q:
    """Of cases: in shadow or not. As a comparison: Django writes a plain False as NOT, which SQLite looks up in no index."""
    return Q(shadow=Value(is_so))


class Case(models.Model):
    """One problem at one place over its life."""

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT)
    fleet = models.ForeignKey("fleet.Fleet", on_delete=models.PROTECT)
    number = models.PositiveIntegerField()
    category = models.CharField(max_length=48)
    origin = models.CharField(max_length=8)
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in State], default=State.NEW)
    state_at = models.DateTimeField()
    lat_deg = models.FloatField()
    lon_deg = models.FloatField()
    covariance_ee = models.FloatField()
    covariance_en = models.FloatField()
    covariance_nn = models.FloatField()
    placed_by_hand = models.BooleanField(default=False, db_default=False)  # by a reviewer: joins leave its place alone
    probability = models.FloatField()
    sightings_count = models.PositiveIntegerField(default=0)
    vehicles_count = models.PositiveIntegerField(default=0)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    screening = models.CharField(max_length=32, blank=True)
    blind = models.BooleanField(default=False)
    shadow = models.BooleanField(default=False)  # reviewed by who asks for it, and never handed over
    priority = models.FloatField(default=0)
    rejected_probability = models.FloatField(null=True)  # null: rejected for a reason that says nothing of later finds
    lease_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    lease_until = models.DateTimeField(null=True)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT)
    confirmed_at = models.DateTimeField(null=True)  # these four: milestones.py
    handed_over_at = models.DateTimeField(null=True)
    fixed_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)  # when a city last returned it, and when it was last taken back:
    retracted_at = models.DateTimeField(null=True)  # that happened, whatever becomes of the case

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "number"], name="case_number_once")]
        indexes = [
            # None of some states alone: SQLite uses no partial index for a state that is a parameter.
            # Who walks the queue passes cards of other cities and in colleagues' hands without reading their rows.
            models.Index(
                fields=["state", "shadow", "-priority", "id", "lease_until", "lease_by", "city"], name="case_queue"
            ),
            # With state and shadow in it, a map is counted along the index alone.
            models.Index(fields=["city", "category", "lat_deg", "lon_deg", "state", "shadow"], name="case_near"),
            models.Index(fields=["city", "shadow", "state", "-id"], name="case_list"),
            models.Index(fields=["city", "shadow", "category", "state", "-id"], name="case_of_category"),
            models.Index(fields=["city", "shadow", "last_seen_at", "state", "category"], name="case_seen"),
            models.Index(fields=["state", "shadow", "state_at"], name="case_state"),
            models.Index(fields=["lease_until"], name="case_leased", condition=Q(lease_until__isnull=False)),
            models.Index(fields=["city", "first_seen_at"], name="case_first_seen"),
            models.Index(
                fields=["city", "confirmed_at"], name="case_confirmed", condition=Q(confirmed_at__isnull=False)
            ),
            models.Index(
                fields=["city", "handed_over_at"], name="case_handed_over", condition=Q(handed_over_at__isnull=False)
            ),
            # One for what was fixed on a day, and for what is not fixed, by its deadline.
            models.Index(
                fields=["city", "fixed_at", "deadline_at"], name="case_due", condition=Q(handed_over_at__isnull=False)
            ),
            models.Index(fields=["city", "state"], name="case_blind", condition=Q(blind=True)),
            models.Index(fields=["city", "returned_at"], name="case_returned", condition=Q(returned_at__isnull=False)),
            models.Index(
                fields=["city", "retracted_at"], name="case_retracted", condition=Q(retracted_at__isnull=False)
            ),
        ]

    @property
    def placed_by(self) -> Literal["vehicles", "person"]:
        """Whose word its place is, as messages, files and programs are told."""
        return "person" if self.placed_by_hand else "vehicles"


class CaseCount(models.Model):
    """How many cases a cell of a city holds and where their middle is; `kinds`: how many of each category and state. Written by counts.py, in cells of several sizes: so many a degree."""

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT, db_index=False)
    per_degree = models.PositiveSmallIntegerField()
    shadow = models.BooleanField()
    row = models.IntegerField()
    column = models.IntegerField()
    cases = models.PositiveIntegerField()
    lat_deg = models.FloatField()
    lon_deg = models.FloatField()
    kinds = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "per_degree", "shadow", "row", "column"], name="counted_once")
        ]


class Counted(models.Model):
    """When a city's cases were counted last."""

    city = models.OneToOneField("fleet.City", primary_key=True, on_delete=models.CASCADE)
    at = models.DateTimeField()


class Sighting(models.Model):
    """One problem seen on one pass by one vehicle, as it came."""

    id = models.UUIDField(primary_key=True)
    digest = models.CharField(max_length=64)
    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT)
    fleet = models.ForeignKey("fleet.Fleet", on_delete=models.PROTECT)
    vehicle = models.ForeignKey("fleet.Vehicle", on_delete=models.PROTECT, db_index=False)
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="sightings")
    by_hand = models.BooleanField(default=False, db_default=False)  # a person put it into its case: there it stays
    outbox = models.UUIDField()
    sequence = models.PositiveBigIntegerField()
    pass_id = models.UUIDField()
    origin = models.CharField(max_length=8)
    received_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    clock_source = models.CharField(max_length=8)
    clock_sigma_s = models.FloatField()
    category = models.CharField(max_length=48)
    detail = models.CharField(max_length=64, blank=True)
    score = models.FloatField()
    probability = models.FloatField()
    lat_deg = models.FloatField()
    lon_deg = models.FloatField()
    covariance_ee = models.FloatField()
    covariance_en = models.FloatField()
    covariance_nn = models.FloatField()
    method = models.CharField(max_length=48)
    bearing_deg = models.FloatField()
    range_m = models.FloatField()
    near_m = models.FloatField()
    far_m = models.FloatField()
    fix_lat_deg = models.FloatField()
    fix_lon_deg = models.FloatField()
    fix_sigma_m = models.FloatField()
    fix_heading_deg = models.FloatField(null=True)
    camera = models.CharField(max_length=48)
    boot_id = models.UUIDField()
    monotonic_ns = models.BigIntegerField()
    calibration_digest = models.CharField(max_length=64)
    settings_revision = models.PositiveIntegerField()
    pack_name = models.CharField(max_length=64)
    pack_digest = models.CharField(max_length=64)
    redaction_digest = models.CharField(max_length=64)
    redaction_regions = models.PositiveIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["city", "category", "lat_deg", "lon_deg"], name="sighting_near"),
            models.Index(fields=["outbox", "sequence"], name="sighting_sequence"),
            # With pass and time in it, the roads of a card's map are read along the index alone.
            models.Index(fields=["city", "fix_lat_deg", "fix_lon_deg", "monotonic_ns", "pass_id"], name="sighting_fix"),
            models.Index(fields=["received_at"], name="sighting_received"),
            models.Index(fields=["vehicle", "-case"], name="sighting_of_vehicle"),
        ]


class Picture(models.Model):
    """One picture of a sighting; its bytes lie under their sha256."""

    sighting = models.ForeignKey(Sighting, on_delete=models.CASCADE, related_name="pictures")
    sha256 = models.CharField(max_length=64, db_index=True)
    role = models.CharField(max_length=8)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    box = models.JSONField(null=True)
    jpeg_bytes = models.PositiveIntegerField()
    hidden_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["hidden_at"], name="picture_hidden", condition=Q(hidden_at__isnull=False))]

    @property
    def box_now(self) -> list[float] | None:
        """The box as a person put it right, if the picture was read `with_boxes` (`server/review/boxes.py`); else the vehicle's."""
        put_right: list[float] | None = vars(self).get("put_right")
        return put_right or self.box


class Note(models.Model):
    """What a person wrote on a case; append-only. `about` names the deed it is the reason of, empty for a note that stands alone."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    at = models.DateTimeField()
    about = models.CharField(max_length=12, blank=True)
    words = models.CharField(max_length=1000)
    struck_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["case", "at"], name="note_of_case")]


class Merge(models.Model):
    """The sightings that a case held when it was merged into another: split off from that one, they come back under its number."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.PROTECT, related_name="merge")
    sightings = models.JSONField()

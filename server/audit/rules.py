"""The deeds that are recorded."""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    CASE_OPENED = "case_opened"
    CASE_MOVED = "case_moved"
    SIGHTING_TAKEN = "sighting_taken"
    VERDICT = "verdict"
    UNDO = "undo"
    HANDOVER_MADE = "handover_made"
    HANDOVER_RECEIPTED = "handover_receipted"
    CITY_STATUS = "city_status"
    DESTINATION_DISABLED = "destination_disabled"
    CATEGORY_PUT = "category_put"
    PLACES_IMPORTED = "places_imported"
    VEHICLE_ADDED = "vehicle_added"
    VEHICLE_REVOKED = "vehicle_revoked"
    VEHICLE_DESIRED = "vehicle_desired"
    USER_ADD = "user_add"
    USER_PASSWORD = "user_password"

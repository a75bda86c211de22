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
    PICTURE_REPORTED = "picture_reported"
    USER_ADD = "user_add"
    USER_PASSWORD = "user_password"
    USER_PLACED = "user_placed"
    USER_IN_USE = "user_in_use"
    USER_OUT_OF_USE = "user_out_of_use"
    FACTOR_MADE = "factor_made"
    FACTOR_RESET = "factor_reset"
    SIGNED_IN = "signed_in"
    CODE_REFUSED = "code_refused"
    PICTURE_OPENED = "picture_opened"
    PICTURES_ERASED = "pictures_erased"
    AUDIT_READ = "audit_read"
    TOKEN_ADDED = "token_added"
    TOKEN_REVOKED = "token_revoked"

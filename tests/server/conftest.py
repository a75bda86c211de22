"""Rows for tests of the back office."""

from __future__ import annotations

from office import first_look_alone as first_look_alone
from office import nothing_remembered as nothing_remembered
from office import own_folders as own_folders
from office import quick_passwords as quick_passwords
from office import reviewer as reviewer
from office import send as send
from office import vehicle as vehicle

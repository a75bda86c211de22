"""What tests share: a data folder of their own for the back office, a broker, a browser, and the data of others if it is there."""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest
from django.conf import settings
from needs import need

# The back office reads its settings at import, and pytest-django imports what pytest's own configuration names before any conftest:
# so the settings are named here, after the data folder of this run.
# Workers of a run inherit its folder; each has a database of its own in it.
_IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
_DATA = Path(os.environ["TRIKEYE_DATA"] if _IS_WORKER else tempfile.mkdtemp(prefix="trikeye-tests-"))
os.environ["TRIKEYE_DATA"] = str(_DATA)
os.environ["DJANGO_SETTINGS_MODULE"] = "server.settings"
assert _DATA.resolve() == settings.DATA
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in the thread that also sets rows up
if not _IS_WORKER:
    atexit.register(shutil.rmtree, _DATA, ignore_errors=True)

# Torch lives in an environment of its own: `make test-training` runs these.
collect_ignore = ["training"]
ROOT = Path(__file__).resolve().parents[1]
MADE = Path(os.environ.get("TRIKEYE_TEST_DATABASE", _DATA / "made.sqlite3"))
"""The back office's empty database, once somebody has made it."""


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Each worker's database goes with the folder of the run."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[IO[str]]:
    """The first worker makes the database, which takes seconds of a core; the others wait for it, and copy it."""
    with MADE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if MADE.exists():
            shutil.copy(MADE, settings.DATABASES["default"]["TEST"]["NAME"])
        yield lock


@pytest.fixture(scope="session")
def django_db_setup(django_db_modify_db_settings: IO[str], django_db_setup: None) -> None:
    """Keep a copy of the first."""
    if not MADE.exists():
        part = MADE.with_suffix(".part")
        with closing(sqlite3.connect(settings.DATABASES["default"]["TEST"]["NAME"])) as db:
            db.execute("VACUUM INTO ?", (str(part),))
        part.replace(MADE)
    fcntl.flock(django_db_modify_db_settings, fcntl.LOCK_UN)


@pytest.fixture(autouse=True, scope="session")
def emptied_alone() -> Iterator[None]:
    """After a test with transactions every row is deleted, and that is all: Django would write permissions and content types anew, which nothing here reads, a thousand times a run."""
    from django.core.management import call_command
    from django.test import TransactionTestCase

    def emptied(case: TransactionTestCase) -> None:
        for name in case._databases_names(include_mirrors=False):
            call_command("flush", verbosity=0, interactive=False, database=name, reset_sequences=False, inhibit_post_migrate=True)  # fmt: skip

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptied)
        yield


@pytest.fixture(autouse=True)
def no_log_into_a_closed_stream() -> Iterator[None]:
    """A command that a test runs in this process has the log written into that test's own stream, which ends with it."""
    yield
    loggers = [
        logging.root,
        *(each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)),
    ]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if type(handler) is logging.StreamHandler:
            handler.stream = sys.__stderr__  # setStream would flush the closed one


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """Mosquitto's path."""
    return need(
        shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin"),
        "mosquitto",
        "sudo apt-get install mosquitto",
    )


@pytest.fixture(scope="session")
def chromium() -> str:
    """Chromium's path."""
    return need(shutil.which("chromium"), "chromium", "sudo apt-get install chromium fonts-noto-cjk")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the data of others: TRIKEYE_SHARED, else beside the checkout."""
    folder = Path(os.environ.get("TRIKEYE_SHARED", ROOT.parent / "shared"))
    return Path(
        need(
            str(folder) if (folder / "data").is_dir() else None, f"the data of others ({folder})", "set TRIKEYE_SHARED"
        )
    )

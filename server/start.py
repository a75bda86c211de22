"""Sets Django up for a verb of the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_folder() -> Path:
    """Where database, pictures and secrets lie."""
    return Path(os.environ.get("TRIKEYE_DATA", "data")).resolve()


def start() -> None:
    """Load the settings and the apps. Import rows only after this."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    import django

    django.setup()


def start_over_data() -> None:
    """`start` where there is a database already; elsewhere end with a sentence before the settings leave secrets behind."""
    from django.apps import apps

    if not apps.ready and not (data_folder() / "db.sqlite3").exists():
        sys.exit(
            f"trikeye: no trikeye data in {data_folder()}; trikeye server migrate makes it (TRIKEYE_DATA names the folder)"
        )
    start()

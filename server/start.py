"""Sets Django up for a verb of the command line."""

from __future__ import annotations

import os


def start() -> None:
    """Load the settings and the apps. Import rows only after this."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    import django

    django.setup()

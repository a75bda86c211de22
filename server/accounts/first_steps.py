"""What an administrator does first on an empty server, and what of it is done: a look by index each."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Sighting
from server.city.models import Destination
from server.fleet.models import Vehicle
from server.places.models import Feature


@dataclass(frozen=True)
class Step:
    """One thing to do: on a page (`link`) or by a command on the server. What `can_wait` keeps nobody from beginning."""

    words: str
    done: bool
    command: str = ""
    link: str = ""
    can_wait: bool = False


def first_steps() -> list[Step]:
    """All of them, in the order in which they are done; none once nothing is left that keeps people from working."""
    people = User.objects.filter(is_active=True)
    steps = [
        Step(_("Add a reviewer, who decides cards, on the page “People”."), people.filter(role=User.Role.REVIEWER).exists(), link=reverse("users")),
        Step(_("Add a supervisor, who settles what nobody is sure of, on the page “People”."), people.filter(role=User.Role.SUPERVISOR).exists(), link=reverse("users")),
        Step(_("Add a vehicle, and with it the city it drives in. The file that this writes goes onto the vehicle."), Vehicle.objects.filter(revoked_at=None).exists(), "trikeye server vehicle add TY-01 --city taiyuan --write-config edge.toml"),
        Step(_("Say where confirmed cases go: the address of the city's system."), Destination.objects.filter(enabled=True).exists(), "trikeye server destination add city https://city.example/hook"),
        Step(_("Start the vehicle; within minutes its first find is a card. On the vehicle:"), Sighting.objects.exists(), "trikeye edge watch --config edge.toml & trikeye edge uplink --config edge.toml"),
        Step(_("Import the names of roads, so that cases say where they are."), Feature.objects.exists(), "trikeye server import-places roads.geojson --city taiyuan --kind road", can_wait=True),
        Step(_("Have a backup made each night, onto another disk."), AuditRow.objects.filter(verb=Verb.BACKED_UP).exists(), "trikeye server backup /mnt/backup --with-secrets", can_wait=True),
    ]  # fmt: skip
    return steps if any(not step.done and not step.can_wait for step in steps) else []

"""The filtered list as a file to take along."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any

from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from server import errors
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.exports import WRITERS, walked
from server.cases.filters import Filter, filter_of, query_of


@require_GET
def case_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The file is whole, and who took it is on record, before its first byte leaves."""
    if kind not in WRITERS:
        raise Http404
    person: Any = request.user
    wanted, (write, content_type) = replace(filter_of(request.GET.dict()), before=None), WRITERS[kind]
    counted = walked(person, wanted)
    file = TemporaryFile()  # noqa: SIM115 - the answer closes it
    try:
        write(counted, file)
    except OSError:
        file.close()
        return errors.answer(request, 507, "disk", _("No room for the file"), _("Narrow the filter, or have your administrator make room on the server's disk."))  # fmt: skip
    _put_on_record(person, wanted, kind, counted.rows)
    size = file.tell()
    file.seek(0)
    name = f"trikeye-{localtime():%Y%m%d-%H%M}.{kind}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=content_type, headers={"Content-Length": str(size), "Cache-Control": "no-store"})  # fmt: skip


def _put_on_record(person: Any, wanted: Filter, kind: str, rows: int) -> None:
    """The filter without the words that were searched for: they may be anybody's."""
    with transaction.atomic():
        record(Verb.CASES_EXPORTED, "export", kind, city_id=person.city_id, actor_id=person.pk, filter=query_of(replace(wanted, text="")), words=bool(wanted.text), rows=rows)  # fmt: skip

"""The way back: the city reports status, signed."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from server.city.models import Destination
from server.city.reports import take_status
from server.city.services import secret_of
from server.city.webhooks import verified


@csrf_exempt
@login_not_required
@require_POST
def status(request: HttpRequest, destination_id: int) -> JsonResponse:
    """A Standard Webhook of type case.status: 204-like answer when taken, 401 unsigned, 422 when it names no case of ours."""
    destination = get_object_or_404(Destination, id=destination_id)
    if int(request.headers.get("content-length") or 0) > 20_000:
        return JsonResponse({"error": "a status message stays below 20 kB"}, status=413)
    headers = {key.lower(): value for key, value in request.headers.items()}
    message = verified(secret_of(destination), headers, request.body)
    if message is None:
        return JsonResponse({"error": "the signature does not hold"}, status=401)
    if not take_status(destination, headers["webhook-id"], message, timezone.now()):
        return JsonResponse({"error": "no such case, or an unknown status"}, status=422)
    return JsonResponse({"taken": True})

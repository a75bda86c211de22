"""The way back: the city reports status, signed."""

from __future__ import annotations

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from server.city.models import Destination
from server.city.reports import take_status
from server.city.services import SecretLost, secret_of
from server.city.webhooks import verified

log = logging.getLogger("trikeye.web")


@csrf_exempt
@login_not_required
@require_POST
def status(request: HttpRequest, destination_id: int) -> JsonResponse:
    """A Standard Webhook of type case.status: 200 when taken, 401 unsigned, 422 when it names no case of ours, 503 (the city tries again) while its secret is lost here."""
    destination = get_object_or_404(Destination, id=destination_id)
    if int(request.headers.get("content-length") or 0) > 20_000:
        return JsonResponse({"error": "a status message stays below 20 kB"}, status=413)
    headers = {key.lower(): value for key, value in request.headers.items()}
    try:
        secret = secret_of(destination)
    except SecretLost as lost:
        log.error("status of destination %s refused: %s", destination.name, lost)
        return JsonResponse({"error": "the secret that checks this signature is lost here; try again once the operator has put it back or given you a new one"}, status=503)  # fmt: skip
    message = verified(secret, headers, request.body)
    if message is None:
        return JsonResponse({"error": "the signature does not hold"}, status=401)
    if not take_status(destination, headers["webhook-id"], message, timezone.now()):
        return JsonResponse({"error": "no such case, or an unknown status"}, status=422)
    return JsonResponse({"taken": True})

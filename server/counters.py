"""What is counted for Prometheus, by each process into files of its own (`server.start.count_as`).

No label names a case, a sighting, a vehicle or a person, so that there are never more than some hundred series.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

COUNTED = CollectorRegistry()
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REQUEST_S = Histogram("trikeye_request_seconds", "Seconds until an answer, by the name of the address", ["view"], buckets=SECONDS, registry=COUNTED)  # fmt: skip
REQUESTS = Counter("trikeye_requests", "Answers, by the name of the address and the first digit of the status", ["view", "status"], registry=COUNTED)  # fmt: skip
MESSAGES = Counter("trikeye_intake_messages", "Messages of vehicles: accepted, known, refused, again (not stored, it comes again)", ["kind", "outcome"], registry=COUNTED)  # fmt: skip
LEASED = Counter("trikeye_cards_leased", "Cards handed to reviewers", registry=COUNTED)
VERDICTS = Counter("trikeye_verdicts", "Answers of reviewers, and whether each decided its case", ["answer", "counted"], registry=COUNTED)  # fmt: skip
SECOND_LOOKS = Counter("trikeye_second_looks", "Decided cards that another person was to look at again: asked, skipped (too many of that day)", ["outcome"], registry=COUNTED)  # fmt: skip
DEEDS = Counter("trikeye_deeds", "What was done and recorded, by its name in the audit", ["verb"], registry=COUNTED)
TRIES = Counter("trikeye_handover_tries", "Tries to hand a case over: delivered, failed, gone (the destination is switched off)", ["outcome"], registry=COUNTED)  # fmt: skip

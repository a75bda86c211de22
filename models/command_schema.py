"""`trikeye models schema`: the wire as JSON Schema, for those who write another end of it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from models.contract import WIRE_VERSION, Ack, Coverage, Desired, Health, Message, Sighting, Status

SCHEMAS = Path(__file__).with_name("schema")
KINDS: dict[str, type[Message]] = {
    "sighting": Sighting,
    "coverage": Coverage,
    "ack": Ack,
    "status": Status,
    "health": Health,
    "desired": Desired,
}
CARRIED_AS = "Carried as CBOR (RFC 8949): uuid is tag 37, date-time is tag 0, binary is a byte string."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=SCHEMAS, help="folder to write one file a message into (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    args.out.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (args.out / f"{kind}.json").write_text(schema_text(kind), encoding="utf-8")
        print(args.out / f"{kind}.json")
    return 0


def schema_text(kind: str) -> str:
    """The JSON Schema (2020-12) of one kind of message."""
    made: dict[str, Any] = KINDS[kind].model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": CARRIED_AS,
            "title": f"trikeye {kind}, wire version {WIRE_VERSION}"}  # fmt: skip
    return json.dumps(head | {key: value for key, value in made.items() if key != "title"}, indent=1) + "\n"

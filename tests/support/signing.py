"""A server's key for tests, and what it signs."""

from __future__ import annotations

from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.contract import Desired, encode, signed_text

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def signed(key: Ed25519PrivateKey = KEY, extra: dict[str, Any] | None = None, **values: Any) -> bytes:
    """A signed wish; `extra` are fields that this version does not know."""
    bare = encode(Desired.model_validate({"vehicle": "TY-01", "revision": 1, **values}))
    text, _ = signed_text(cbor2.dumps(cbor2.loads(bare) | (extra or {}), canonical=True))
    return cbor2.dumps(cbor2.loads(text) | {"signature": key.sign(text)}, canonical=True)

"""What Temporal's history holds of a value: compressed, sealed with AES-GCM, opened by runners of the same backend alone."""

import os
import zlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stigmer_runner.temporal.library import Payload, PayloadCodec

KEY_BYTES = 32
ENCODING = b"binary/stigmer-sealed-1"
_NONCE_BYTES = 12
_ASSOCIATED = b"stigmer temporal payload 1"
_LARGEST = 64 * 1024 * 1024
"""Bytes of one value when it is opened: more is not ours."""


_NOT_STARTED = b'"ACTIVITY_ID_NOT_STARTED"'
"""What the server itself says of an activity that was cancelled before anybody took it: the one value in a history that nobody sealed."""


class PayloadRefused(Exception):
    """A value in Temporal's history cannot be opened; the message says why."""


class SealedPayloads(PayloadCodec):
    """Seals what is written and opens what is read. `key`: 32 bytes, the same for all runners of a backend."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key of {KEY_BYTES} bytes is wanted, not of {len(key)}")
        self._cipher = AESGCM(key)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal values."""
        return [self._seal(each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open values. Raises `PayloadRefused`."""
        return [self._open(each) for each in payloads]

    def _seal(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        packed = zlib.compress(payload.SerializeToString(), 1)
        return Payload(metadata={"encoding": ENCODING}, data=nonce + self._cipher.encrypt(nonce, packed, _ASSOCIATED))

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            if payload.data == _NOT_STARTED:
                return payload
            raise PayloadRefused("a value in Temporal's history was not written by Stigmer: it is not sealed")
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            packed = self._cipher.decrypt(nonce, sealed, _ASSOCIATED)
        except (InvalidTag, ValueError) as error:
            raise PayloadRefused(
                "a value in Temporal's history was sealed with another key: the run belongs to another backend"
            ) from error
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, _LARGEST)
        if not unpacker.eof:
            raise PayloadRefused(f"a value in Temporal's history is larger than {_LARGEST} bytes")
        return Payload.FromString(data)

"""No key in what a person, a log or the journal sees: a provider may repeat what it was sent."""

import base64
from urllib.parse import quote

from stigmer_runner.models.port import ModelError

MASK = "********"
_SHORTEST = 8
"""Pieces of a key from this length on are masked."""


def scrubbed(error: ModelError, key: bytes) -> ModelError:
    """The same error, the key taken out of its words: whole, encoded, or the beginning or end that a provider quotes."""
    return ModelError(error.code, scrub(error.message, key), error.retry_after, error.retryable)


def scrub(text: str, key: bytes) -> str:
    """`text` without `key`."""
    if not key:
        return text
    plain = key.decode("latin-1")
    for form in (plain, base64.b64encode(key).decode().rstrip("="), quote(plain, safe="")):
        text = text.replace(form, MASK)
    if len(plain) > _SHORTEST:
        for length in range(len(plain) - 1, _SHORTEST - 1, -1):
            text = text.replace(plain[:length], MASK).replace(plain[-length:], MASK)
    return text

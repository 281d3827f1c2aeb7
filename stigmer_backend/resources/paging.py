"""Page sizes and page tokens. A token names a place in a list, not a number of rows: it stays right while rows come and go."""

import base64
import binascii
import hashlib

from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_apis.protocol import MAX_PAGE_SIZE

PUBLISHED_PAGE_SIZE = 20
"""Rows of a page in the published interface when the request says 0."""

_VERSION = b"\x01"
_DIGEST_BYTES = 8


def page_rows(asked: int, default: int) -> int:
    """Rows to answer with. Raises `InvalidArgument` outside of 0 to 1000."""
    if not 0 <= asked <= MAX_PAGE_SIZE:
        raise InvalidArgument(
            f"a page of {asked} rows cannot be given",
            remedy=f"ask for 1 to {MAX_PAGE_SIZE}, or 0 for {default}",
            violations=[FieldViolation("page_size", "stigmer.page_size", f"must be 0 to {MAX_PAGE_SIZE}")],
        )
    return asked or default


def encode_token(question: bytes, key: bytes) -> str:
    """The token that continues behind the row with `key`, for the same `question` (filter and order) only."""
    return base64.urlsafe_b64encode(_VERSION + _digest(question) + key).rstrip(b"=").decode()


def decode_token(question: bytes, token: str) -> bytes | None:
    """The key in `token`; None for an empty token. Raises `InvalidArgument` for one that belongs to another question."""
    if not token:
        return None
    try:
        raw = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    start = len(_VERSION) + _DIGEST_BYTES
    if len(raw) <= start or raw[:start] != _VERSION + _digest(question):
        raise InvalidArgument(
            "the page token is not one of this list",
            remedy="take it from the last page of the same list, with the same filter and order; leave it empty for the first page",
            violations=[FieldViolation("page_token", "stigmer.page_token", "must be as the last page gave it")],
        )
    return raw[start:]


def pages_of(rows: int, page_size: int) -> int:
    """How many pages `rows` fill."""
    return -(-rows // page_size)


def _digest(question: bytes) -> bytes:
    return hashlib.sha256(question).digest()[:_DIGEST_BYTES]

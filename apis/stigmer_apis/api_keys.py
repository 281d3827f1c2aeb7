"""What an API key looks like: `stgm1.<secret>[.<fingerprint>]`, both parts 32 bytes as base64url without padding.

The fingerprint is the SHA-256 of the certificate (DER) of the authority that signs the server's certificate. A client that has it speaks to nobody else,
and shows the key to nobody before it knows.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from stigmer_apis.errors import InvalidArgument

PREFIX = "stgm1"
_FORM = re.compile(rf"{PREFIX}\.(?P<secret>[\w-]{{43}})(?:\.(?P<fingerprint>[\w-]{{43}}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in its parts."""

    text: str
    """All of it: what opens the server."""
    fingerprint: bytes | None
    """Whom to show it to: 32 bytes; None where any authority that this machine trusts will do."""

    def __repr__(self) -> str:
        return "ApiKey(…)"


def compose(secret: bytes, fingerprint: bytes | None) -> str:
    """The key with a secret and a fingerprint of 32 bytes each."""
    parts = [PREFIX, _text(secret), *([_text(fingerprint)] if fingerprint is not None else [])]
    return ".".join(parts)


def parse(text: str) -> ApiKey:
    """A key as a person gives it. Raises `InvalidArgument` for what is none; the words never repeat it."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise InvalidArgument(
            f"this is no API key: one has the form {PREFIX}.… in three parts",
            remedy="`stigmer apikey create NAME --role operator` on the server's machine prints one, alone on its last line",
        )
    fingerprint: str | None = match["fingerprint"]
    try:
        return ApiKey(text.strip(), None if fingerprint is None else base64.urlsafe_b64decode(f"{fingerprint}="))
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument(
            "this is no API key: its last part cannot be read", remedy="copy the whole key"
        ) from error


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")

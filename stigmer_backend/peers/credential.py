"""What a daemon shows the one that leads, for each call that it passes on: for whom it calls.

The form is `stgp1.<claims>.<HMAC-SHA-256 of them>`, both base64url. The key is the epoch's: 32 random bytes that only who has the database knows, and
that the next daemon to lead replaces.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import cast

from stigmer_apis.errors import Unauthenticated, Unavailable
from stigmer_backend.access.principal import Authenticator, Principal, Role
from stigmer_backend.store.roll import Lead

PREFIX = "stgp1."
GOOD_SECONDS = 300.0
"""How long a credential is good. Clocks of two machines may differ by less than this."""
_LONGEST = 2048


def credential(lead: Lead, caller: Principal, via: str, clock: Callable[[], float] = time.time) -> str:
    """What makes the leading daemon answer as it would answer `caller`. `via`: the machine of the daemon that passes on."""
    claims = {
        "epoch": lead.epoch,
        "role": caller.role.value,
        "name": caller.name,
        "runner_id": caller.runner_id,
        "via": via,
        "until": clock() + GOOD_SECONDS,
    }
    body = _text(json.dumps(claims, separators=(",", ":")).encode())
    return f"{PREFIX}{body}.{_text(_seal(lead.key, body))}"


class Peers:
    """Whom a credential stands for, to the daemon that leads; every other token is asked of `others`."""

    def __init__(
        self, leading: Callable[[], Lead | None], others: Authenticator | None, clock: Callable[[], float] = time.time
    ) -> None:
        """`leading` is what this daemon leads; None where it does not."""
        self._leading = leading
        self._others = others
        self._clock = clock

    def authenticate(self, token: str) -> Principal | None:
        """The caller. Raises `Unavailable` where this daemon does not lead (any more), `Unauthenticated` for a credential that is not good."""
        if not token.startswith(PREFIX):
            return None if self._others is None else self._others.authenticate(token)
        lead = self._leading()
        claims = _claims(token)
        if lead is None or (claims is not None and claims.get("epoch") != lead.epoch):
            raise Unavailable("this daemon does not lead the database any more", remedy="try again in a moment")
        body, _, seal = token[len(PREFIX) :].partition(".")
        if claims is None or not hmac.compare_digest(seal, _text(_seal(lead.key, body))):
            raise Unauthenticated("this is no credential of a daemon that shares the database")
        if not self._clock() < float(str(claims["until"])) <= self._clock() + 2 * GOOD_SECONDS:
            raise Unauthenticated(
                "the credential of the daemon that passes this on is out of date",
                remedy="look at the clocks of both machines",
            )
        role = Role(claims["role"])
        return Principal(
            role, f"{claims['name']} by way of {claims['via']}", str(claims["runner_id"]), str(claims["via"])
        )


def _claims(token: str) -> dict[str, object] | None:
    """What a credential says, not looked at yet whether it is good; None for what is none."""
    body = token[len(PREFIX) : _LONGEST].partition(".")[0]
    try:
        found: object = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None


def _seal(key: bytes, body: str) -> bytes:
    return hmac.new(key, body.encode(), hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")

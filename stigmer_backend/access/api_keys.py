"""Keys for clients and runners of other machines, kept as hashes in `data/api-keys.json`.

A key is 32 random bytes, so a plain hash is enough. It is told once, when it is made.
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from stigmer_apis.api_keys import compose
from stigmer_apis.errors import AlreadyExists, InvalidArgument, NotFound, ResourceExhausted, Unauthenticated
from stigmer_apis.ids import Prefix, new_id
from stigmer_backend.access.errors import TokensUnreadable
from stigmer_backend.access.principal import Principal, Role
from stigmer_backend.access.private_file import write_private

API_KEYS_FILE = "api-keys.json"
"""Below the data directory."""
MOST = 1000
"""Keys that are kept, expired ones counted too."""
KEY_BYTES = 32
_FORMAT = 1
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What is known of a key."""

    key_id: str
    name: str
    role: Role
    created_micros: int
    expires_micros: int
    """0 for never."""
    sha256: str
    call: str = ""
    """SHA-256 of the idempotency key of the call that made it, and of what it asked; empty where it had none."""


class ApiKeys:
    """The keys of one home. Safe to use from any thread."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Read `path`. Raises `TokensUnreadable` where it is not what was written."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[KnownKey, ...] = tuple(_read(path))
        self._revoked: OrderedDict[str, KnownKey] = OrderedDict()
        """The last that were revoked, by the call."""

    def authenticate(self, token: str) -> Principal | None:
        """Whom a key stands for; None for an unknown one. Takes the same time wherever it differs. Raises `Unauthenticated` for an expired one."""
        if len(token) > _LONGEST:
            return None
        presented = _digest(token)
        found: KnownKey | None = None
        for known in self._known:
            if hmac.compare_digest(known.sha256, presented):
                found = known
        if found is None:
            return None
        if 0 < found.expires_micros <= self._clock() * 1e6:
            when = datetime.fromtimestamp(found.expires_micros / 1e6, UTC)
            raise Unauthenticated(
                f"the API key expired on {when:%Y-%m-%d %H:%M} UTC",
                remedy="have another one made: `stigmer apikey create NAME` on the server's machine",
            )
        runner_id = found.key_id if found.role is Role.RUNNER else ""
        return Principal(found.role, f"API key {found.name}", runner_id)

    def list(self) -> Sequence[KnownKey]:
        """All keys, the oldest first."""
        return self._known

    def create(
        self, name: str, role: Role, expires_micros: int, fingerprint: bytes | None, idempotency_key: str = ""
    ) -> tuple[KnownKey, str]:
        """Make a key, which is told here and never again: the same call again finds it, and gets "" for the key itself.

        Raises `AlreadyExists` for a name that is taken, `InvalidArgument` where the idempotency key was used for another one, `ResourceExhausted` past
        1000 keys.
        """
        key = compose(secrets.token_bytes(KEY_BYTES), fingerprint)
        asked = f"{name}\0{role.value}\0{expires_micros}"
        call = _call(idempotency_key, asked)
        with self._lock:
            made_before = _made_by(self._known, idempotency_key)
            if made_before is not None:
                if made_before.call != call:
                    raise InvalidArgument(
                        "the idempotency key was used for another API key", remedy="make a new one for each new request"
                    )
                return made_before, ""
            if any(known.name == name for known in self._known):
                raise AlreadyExists(
                    f"there is an API key called {name!r}", remedy="choose another name, or revoke that one first"
                )
            if len(self._known) >= MOST:
                raise ResourceExhausted(f"there are {MOST} API keys", remedy="revoke those that nobody needs")
            made = KnownKey(
                key_id=new_id(Prefix.API_KEY, clock=self._clock),
                name=name,
                role=role,
                created_micros=int(self._clock() * 1e6),
                expires_micros=expires_micros,
                sha256=_digest(key),
                call=call,
            )
            self._store((*self._known, made))
        return made, key

    def revoke(self, key: str, idempotency_key: str = "") -> KnownKey:
        """Forget a key by its id or its name; the same call again is told of the same one. Raises `NotFound`."""
        call = _call(idempotency_key, key)
        with self._lock:
            if call and (gone := self._revoked.get(call)) is not None:
                return gone
            found = next((known for known in self._known if key in (known.key_id, known.name)), None)
            if found is None:
                raise NotFound(f"there is no API key {key!r}", remedy="`stigmer apikey list` shows them")
            self._store(tuple(known for known in self._known if known is not found))
            if call:
                self._revoked[call] = found
                while len(self._revoked) > MOST:
                    self._revoked.popitem(last=False)
        return found

    def _store(self, known: tuple[KnownKey, ...]) -> None:
        entries = [{**asdict(each), "role": each.role.value} for each in known]
        write_private(self._path, json.dumps({"format": _FORMAT, "keys": entries}, indent=1) + "\n")
        self._known = known


def _call(idempotency_key: str, asked: str) -> str:
    """What a call is known again by: its key's digest, and that of what it asked; "" without a key."""
    return f"{_digest(idempotency_key)}{_digest(asked)}" if idempotency_key else ""


def _made_by(known: Sequence[KnownKey], idempotency_key: str) -> KnownKey | None:
    if not idempotency_key:
        return None
    begins = _digest(idempotency_key)
    return next((each for each in known if each.call.startswith(begins)), None)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> list[KnownKey]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TokensUnreadable(path, error.strerror or str(error)) from error
    try:
        document = cast("dict[str, object]", json.loads(text))
        if document["format"] != _FORMAT:
            raise ValueError(f"its format is {document['format']!r}, this version writes {_FORMAT}")
        return [_known(cast("dict[str, object]", entry)) for entry in cast("list[object]", document["keys"])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TokensUnreadable(path, f"its content is not what was written there ({error})") from error


def _known(entry: dict[str, object]) -> KnownKey:
    texts = [entry["key_id"], entry["name"], entry["sha256"]]
    numbers = [entry["created_micros"], entry["expires_micros"]]
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(number, int) for number in numbers):
        raise ValueError("an entry has a field of another type")
    role = Role(entry["role"])
    if role is Role.NOBODY:
        raise ValueError("an entry has no role")
    key_id, name, sha256 = cast("list[str]", texts)
    created, expires = cast("list[int]", numbers)
    return KnownKey(key_id, name, role, created, expires, sha256.lower(), str(entry.get("call", "")))

"""Keys for clients and runners of other machines, kept as hashes in `data/api-keys.json`.

A key is 32 random bytes, so a plain hash is enough. It is told once, when it is made.
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from stigmer_apis.api_keys import compose
from stigmer_apis.errors import AlreadyExists, NotFound, ResourceExhausted, Unauthenticated
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


class ApiKeys:
    """The keys of one home. Safe to use from any thread."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Read `path`. Raises `TokensUnreadable` where it is not what was written."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[KnownKey, ...] = tuple(_read(path))

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

    def create(self, name: str, role: Role, expires_micros: int, fingerprint: bytes | None) -> tuple[KnownKey, str]:
        """Make a key, which is told here and never again. Raises `AlreadyExists` for a name that is taken, `ResourceExhausted` past 1000 keys."""
        key = compose(secrets.token_bytes(KEY_BYTES), fingerprint)
        with self._lock:
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
            )
            self._store((*self._known, made))
        return made, key

    def revoke(self, key: str) -> KnownKey:
        """Forget a key by its id or its name. Raises `NotFound`."""
        with self._lock:
            found = next((known for known in self._known if key in (known.key_id, known.name)), None)
            if found is None:
                raise NotFound(f"there is no API key {key!r}", remedy="`stigmer apikey list` shows them")
            self._store(tuple(known for known in self._known if known is not found))
        return found

    def _store(self, known: tuple[KnownKey, ...]) -> None:
        entries = [{**asdict(each), "role": each.role.value} for each in known]
        write_private(self._path, json.dumps({"format": _FORMAT, "keys": entries}, indent=1) + "\n")
        self._known = known


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
    return KnownKey(key_id, name, role, created, expires, sha256.lower())

"""The tokens that open the daemon, kept as hashes.

`data/tokens.json` holds the SHA-256 of every token and what it stands for; the tokens themselves are random 32 bytes, so a plain hash is
enough. The person's programs find theirs in `run/operator.token` and `run/viewer.token`, readable by their owner alone; a runner gets its
own on its standard input and it stands in no file.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from stigmer_apis.home import Home
from stigmer_backend.access.errors import TokensUnreadable
from stigmer_backend.access.principal import Principal, Role
from stigmer_backend.access.private_file import write_private

TOKEN_BYTES = 32
"""Random bytes in a token: 256 bits cannot be guessed."""

TOKENS_FILE = "tokens.json"
"""Below the data directory."""

_FORMAT = 1
_LONGEST_TOKEN = 512

Entropy = Callable[[int], bytes]
"""Returns so many random bytes that nobody can foresee, as `secrets.token_bytes` does."""


@dataclass(frozen=True, slots=True)
class _Known:
    digest: str
    principal: Principal


class Tokens:
    """The tokens that are good now. Made by `open`; safe to ask from any thread, changed from one at a time."""

    def __init__(self, path: Path, known: Sequence[_Known], entropy: Entropy) -> None:
        self._path = path
        self._known = tuple(known)
        self._entropy = entropy
        self._local: dict[Path, str] = {}

    @classmethod
    def open(cls, home: Home, *, entropy: Entropy = secrets.token_bytes) -> "Tokens":
        """Read the known tokens, and make the operator's and the viewer's anew where their file is missing or not the known one.

        Raises `TokensUnreadable` when `data/tokens.json` is not what was written, `OSError` when a file cannot be written.
        """
        path = home.data / TOKENS_FILE
        tokens = cls(path, _read(path), entropy)
        tokens._provide(Role.OPERATOR, "local operator", home.operator_token)
        tokens._provide(Role.VIEWER, "local viewer", home.viewer_token)
        return tokens

    def authenticate(self, token: str) -> Principal | None:
        """Whom `token` stands for; None for an unknown one. Takes the same time wherever the token differs."""
        if len(token) > _LONGEST_TOKEN:
            return None
        presented = _digest(token)
        found: Principal | None = None
        for known in self._known:
            if hmac.compare_digest(known.digest, presented):
                found = known.principal
        return found

    def restore_files(self) -> None:
        """Write the operator's and the viewer's file again, with the same tokens, where somebody removed or changed them.

        The run directory may be emptied while the daemon lives (at logout). Raises `OSError`.
        """
        for path, token in self._local.items():
            if _token_in(path) != token:
                write_private(path, token + "\n")

    def issue_runner(self, runner_id: str) -> str:
        """Make a token for the runner `runner_id`, in the place of one that it had, and return it; only its hash is kept."""
        token = self._new_token()
        self._replace(Principal(Role.RUNNER, f"runner {runner_id}", runner_id), token)
        return token

    def revoke_runners(self, *, but: str = "") -> None:
        """Forget the tokens of every runner but the one with the id `but`.

        They open nothing any more even when `OSError` is raised because the file cannot be written; then the next `open` knows them again.
        """
        kept = tuple(k for k in self._known if k.principal.role is not Role.RUNNER or k.principal.runner_id == but)
        if kept != self._known:
            self._known = kept
            self._store(kept)

    def knows_runner(self, runner_id: str) -> bool:
        """Whether the runner `runner_id` has a token that is good."""
        return any(k.principal.role is Role.RUNNER and k.principal.runner_id == runner_id for k in self._known)

    def _provide(self, role: Role, name: str, path: Path) -> None:
        presented = _token_in(path)
        found = self.authenticate(presented)
        if found is not None and found.role is role:
            path.chmod(0o600)
            self._local[path] = presented
            return
        token = self._local[path] = self._new_token()
        self._replace(Principal(role, name), token)
        write_private(path, token + "\n")

    def _replace(self, principal: Principal, token: str) -> None:
        kept = tuple(k for k in self._known if k.principal != principal)
        self._store((*kept, _Known(_digest(token), principal)))

    def _store(self, known: tuple[_Known, ...]) -> None:
        entries = [
            {
                "sha256": k.digest,
                "role": k.principal.role.value,
                "name": k.principal.name,
                "runner_id": k.principal.runner_id,
            }
            for k in known
        ]
        write_private(self._path, json.dumps({"format": _FORMAT, "tokens": entries}, indent=1) + "\n")
        self._known = known

    def _new_token(self) -> str:
        return base64.urlsafe_b64encode(self._entropy(TOKEN_BYTES)).rstrip(b"=").decode("ascii")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _token_in(path: Path) -> str:
    """What stands in a token file; empty where there is none, or no file of ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(_LONGEST_TOKEN).decode("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""


def _read(path: Path) -> list[_Known]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TokensUnreadable(path, error.strerror or str(error)) from error
    try:
        document: object = json.loads(text)
        return _parse(document)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TokensUnreadable(path, f"its content is not what was written there ({error})") from error


def _parse(document: object) -> list[_Known]:
    """The entries of the file. Raises `ValueError`, `KeyError` or `TypeError` for anything that the daemon does not write."""
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    fields = cast("dict[str, object]", document)
    if fields["format"] != _FORMAT:
        raise ValueError(f"its format is {fields['format']!r}, this version writes {_FORMAT}")
    entries = fields["tokens"]
    if not isinstance(entries, list):
        raise ValueError("`tokens` is not a list")
    return [_parse_entry(entry) for entry in cast("list[object]", entries)]


def _parse_entry(entry: object) -> _Known:
    if not isinstance(entry, dict):
        raise ValueError("an entry is not an object")
    fields = cast("dict[str, object]", entry)
    digest, name, runner_id = fields["sha256"], fields["name"], fields["runner_id"]
    if not (isinstance(digest, str) and isinstance(name, str) and isinstance(runner_id, str)):
        raise ValueError("an entry has a field that is not a text")
    if len(bytes.fromhex(digest)) != hashlib.sha256().digest_size:
        raise ValueError("an entry's sha256 has the wrong length")
    role = Role(fields["role"])
    if role is Role.NOBODY or (role is Role.RUNNER) != bool(runner_id):
        raise ValueError(f"an entry of the role {role.value} does not fit its runner_id")
    return _Known(digest.lower(), Principal(role, name, runner_id))

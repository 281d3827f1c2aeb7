"""What an approval binds: exactly what was shown, and nothing else."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import cast

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy


def canonical(arguments: Mapping[str, object]) -> str:
    """The one way to write `arguments` as JSON: sorted, no spaces, ASCII, whole numbers without a fraction.

    What is read from it and written again is the same.
    """
    return json.dumps(_whole(arguments), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _whole(value: object) -> object:
    """`60.0` and `60` are one number, in JSON and to a tool."""
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case Mapping():
            return {key: _whole(inside) for key, inside in cast(Mapping[str, object], value).items()}
        case list() | tuple():
            return [_whole(inside) for inside in cast(Sequence[object], value)]
        case _:
            return value


def binding_of(tool: str, arguments: str, directory: str, environment: Mapping[str, str], policy: Policy) -> bytes:
    """SHA-256 over a call: `arguments` as `canonical` writes them, `environment` what earlier commands exported."""
    return _digest(
        b"stigmer approval 1",
        _bytes(tool),
        _bytes(arguments),
        _bytes(directory),
        _bytes(json.dumps(dict(environment), sort_keys=True)),
        policy.SerializeToString(deterministic=True),
    )


def grant_of(tool: str, arguments: str, directory: str) -> bytes:
    """What an approval for the session remembers of a call."""
    return _digest(b"stigmer grant 1", _bytes(tool), _bytes(arguments), _bytes(directory))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()

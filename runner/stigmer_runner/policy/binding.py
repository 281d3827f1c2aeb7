"""What an approval binds: exactly what was shown, and nothing else."""

import hashlib
import json
from collections.abc import Mapping

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy


def canonical(arguments: Mapping[str, object]) -> str:
    """The one way to write `arguments` as JSON: sorted, no spaces, ASCII."""
    return json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


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

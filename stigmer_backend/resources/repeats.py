"""Idempotency keys: what a call with a key made, so that the same call again finds it instead of making it twice."""

import hashlib
from dataclasses import dataclass

from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_backend.resources.text import NAME_LIMIT
from stigmer_backend.store import StateRead, StateWrite

TABLE = "idempotency"
KEPT_SECONDS = 24 * 3600
"""How long a key is known."""

_ROWS = 500


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A call that may come again: its key, and a digest of what it asks."""

    record_id: str
    asked: bytes

    @classmethod
    def of(cls, key: str, method: str, request: bytes) -> "Repeatable | None":
        """The call, or None where the client sent no key. Raises `InvalidArgument` for a key that is too long."""
        if not key:
            return None
        if len(key) > NAME_LIMIT:
            raise InvalidArgument(
                f"the idempotency key has {len(key)} characters", remedy=f"use one of at most {NAME_LIMIT}"
            )
        place = hashlib.sha256(f"{method}\0{key}".encode("utf-8", "surrogateescape")).hexdigest()
        return cls(place, hashlib.sha256(request).digest())


def made_before(state: StateRead, call: Repeatable | None) -> str | None:
    """Id of what the same call made, or None. Raises `InvalidArgument` where the key was used for another request."""
    made = None if call is None else answered_before(state, call)
    return None if made is None else made.decode()


def answered_before(state: StateRead, call: Repeatable) -> bytes | None:
    """What was noted of the same call, or None. Raises `InvalidArgument` where the key was used for another request."""
    record = state.get(TABLE, call.record_id)
    if record is None:
        return None
    if record.data[:32] != call.asked:
        raise InvalidArgument(
            "the idempotency key was used for another request within the last day",
            remedy="make a new key for each new request; repeat a key only with the same request",
        )
    return record.data[32:]


def gone_since(words: str, resource_id: str) -> FailedPrecondition:
    """What the same call is answered when what it made is no more."""
    return FailedPrecondition(
        f"the {words} {resource_id} that this call made was deleted since", remedy="use a new idempotency key"
    )


def remember(state: StateWrite, call: Repeatable | None, made: str, now_ns: int) -> None:
    """Note, in the transaction that makes it, what a call with a key made."""
    if call is not None:
        remember_answer(state, call, made.encode(), now_ns)


def remember_answer(state: StateWrite, call: Repeatable, answer: bytes, now_ns: int) -> None:
    """Note what a call with a key is answered."""
    state.put(TABLE, call.record_id, call.asked + answer, created_ns=now_ns, summary=b"")


def forget_old(state: StateWrite, now_ns: int) -> bool:
    """Forget keys older than a day, some hundreds at a time; True if there may be more."""
    rows = state.page(TABLE, limit=_ROWS, newest_first=False)
    for row in rows:
        record = state.get(TABLE, row.id)
        if record is None or record.created_ns > now_ns - KEPT_SECONDS * 1_000_000_000:
            return False
        state.delete(TABLE, row.id)
    return len(rows) == _ROWS

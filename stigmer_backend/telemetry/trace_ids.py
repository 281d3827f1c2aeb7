"""Which trace an execution is: made from its id, so that the daemon's and its runners' spans meet without anything being kept. Pure."""

import hashlib


def trace_ids(execution_id: str) -> tuple[int, int]:
    """The trace of an execution, and the span in it that is the execution itself. Neither is ever 0."""
    digest = hashlib.sha256(f"stigmer\0{execution_id}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1


def trace_parent(execution_id: str) -> str:
    """The execution's own span as a `traceparent` (W3C Trace Context)."""
    trace, span = trace_ids(execution_id)
    return f"00-{trace:032x}-{span:016x}-01"

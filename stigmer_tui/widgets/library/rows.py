"""What the library shows of a resource in one row. Pure."""

from dataclasses import dataclass

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import ago
from stigmer_tui.text.width import fit, fit_right

_AGE, _VERSION = 4, 4
_NAME_SHARE, _NAME_MOST = 40, 32


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource in a list. Its texts are safe to draw."""

    kind: str
    """Field of `Resource`, such as `agent`."""
    resource_id: str
    slug: str
    name: str
    words: str
    """What it is for, in one line."""
    version: str
    changed: float
    """Seconds since 1970; 0 where nobody knows."""


def entry_of(resource: Resource) -> Entry:
    """The entry of a resource."""
    kind = resource.WhichOneof("resource") or "agent"
    message = getattr(resource, kind)
    meta = message.metadata
    words = getattr(message.spec, "description", "") or getattr(message.spec, "subject", "")
    updated = message.status.audit.spec_audit.updated_at
    return Entry(
        kind,
        meta.id,
        meta.slug,
        safe(Untrusted(meta.name or meta.slug or meta.id)),
        safe(Untrusted(str(words).strip())),
        safe(Untrusted(meta.version.id)),
        updated.seconds + updated.nanos / 1e9,
    )


def cells_of(entry: Entry, width: int, now: float) -> list[tuple[str, str]]:
    """The row in `width` cells: pieces with the names of their styles."""
    name = min(_NAME_MOST, max(12, width * _NAME_SHARE // 100))
    fixed = name + 2
    parts = [(fit(entry.name, name), "name"), ("  ", "text")]
    if width >= 60:
        age = ago(now - entry.changed) if entry.changed else ""
        parts += [(fit_right(f"v{entry.version}" if entry.version else "", _VERSION), "muted"), ("  ", "text")]
        parts += [(fit_right(age, _AGE), "muted"), ("  ", "text")]
        fixed += _VERSION + _AGE + 4
    parts.append((fit(entry.words, max(0, width - fixed)), "words"))
    return parts

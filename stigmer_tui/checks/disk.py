"""What a store takes on its disk, in words."""

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import UsageResponse
from stigmer_tui.text.times import size

LITTLE_BYTES = 1_000_000_000
LITTLE_REMEDY = "Free some space on that disk; stigmer prune and stigmer pack give some of the store's back"


def disk_words(found: UsageResponse) -> str:
    """What takes how much, and how much is free, on one line."""
    told = ", ".join(f"{use.kind} {size(use.bytes)}" for use in found.kinds if use.bytes)
    free = f"{size(found.free_bytes)} free" if found.total_bytes else ""
    return "; ".join(part for part in (told, free) if part)


def is_little(found: UsageResponse) -> bool:
    """Whether the disk of the store is nearly full: less than `LITTLE_BYTES`, or than a pack of a large store wants for its copy."""
    kinds = sum(use.bytes for use in found.kinds)
    return bool(found.total_bytes) and found.free_bytes < max(LITTLE_BYTES, min(kinds, 4 * LITTLE_BYTES))

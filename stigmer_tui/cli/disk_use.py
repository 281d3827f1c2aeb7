"""What a store takes on its disk, as lines for a person."""

import click

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import UsageResponse
from stigmer_tui.cli.tables import print_table
from stigmer_tui.text import safe
from stigmer_tui.text.times import size


def print_disk_use(found: UsageResponse) -> None:
    """A row for each kind, and what a pack would give back where that was asked for."""
    looked = any(use.HasField("dead") for use in found.kinds)
    rows = [
        (use.kind, size(use.bytes), *((size(use.dead) if use.HasField("dead") else "",) if looked else ()))
        for use in found.kinds
    ]
    print_table(("KIND", "ON DISK", "A PACK GIVES BACK") if looked else ("KIND", "ON DISK"), rows)


def print_disk_line(found: UsageResponse) -> None:
    """The same on one line, below the other lines of a status; and what is deleted by itself."""
    told = ", ".join(f"{use.kind} {size(use.bytes)}" for use in found.kinds if use.bytes)
    click.echo(f"disk     {told}")
    click.echo(f"         {safe(found.retention or 'nothing is deleted by itself')}")

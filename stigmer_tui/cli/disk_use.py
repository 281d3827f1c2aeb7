"""What a store takes on its disk, as lines for a person."""

import click

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import UsageResponse
from stigmer_tui.checks.disk import LITTLE_REMEDY, disk_words, is_little
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
    click.echo(f"disk     {disk_words(found)}")
    if is_little(found):
        click.echo(f"         LITTLE ROOM: {LITTLE_REMEDY}")
    click.echo(f"         {safe(found.retention or 'nothing is deleted by itself')}")

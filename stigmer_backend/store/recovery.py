"""How the journal is read back when the store opens."""

from pathlib import Path

from stigmer_backend.store.archive import Archive
from stigmer_backend.store.errors import DatabaseMissing, JournalDamaged
from stigmer_backend.store.files import FileLayer
from stigmer_backend.store.frames import JournalRecord, RecordKind
from stigmer_backend.store.journal import JournalScan, JournalWriter, journal_numbers, journal_path, require_own, scan
from stigmer_backend.store.model import Batch, Lane, Mark
from stigmer_backend.store.report import RecoveryReport
from stigmer_backend.store.side_files import keep_cut
from stigmer_backend.store.timeline import Timeline

LANE_OF_KIND = {RecordKind.EVENTS: Lane.EVENTS, RecordKind.ENGINE: Lane.ENGINE}


class Replay:
    """Takes journal records in again, on top of what `events.fs` has."""

    def __init__(self, archive: Archive) -> None:
        self.timelines: dict[str, Timeline] = {}
        self.replayed = 0
        self._archive = archive

    def take(self, path: Path, records: list[JournalRecord], removed: set[str]) -> None:
        """Take the records of one file, except those of `removed` executions. Raises `JournalDamaged` if one is missing."""
        for record in records:
            if record.execution not in removed:
                self._take(path, record)

    def _take(self, path: Path, record: JournalRecord) -> None:
        timeline = self._timeline(path, record)
        if record.kind is RecordKind.DROP_ENGINE:
            timeline.lanes[Lane.ENGINE].drop(record.first_seq)
            timeline.dirty = True
            return
        tail = timeline.lanes[LANE_OF_KIND[record.kind]]
        mark = timeline.marks.get(record.producer)
        if record.producer and (mark is None or (mark.epoch, mark.producer_seq) < (record.epoch, record.producer_seq)):
            timeline.marks[record.producer] = Mark(record.epoch, record.producer_seq)
            timeline.dirty = True
        last = record.first_seq + record.count - 1
        if last <= tail.head:
            return
        if record.first_seq != tail.head + 1:
            raise JournalDamaged(
                path,
                f"number {record.first_seq} of {record.execution}",
                f"the numbers from {tail.head + 1} on are missing before it",
            )
        tail.add(Batch(record.first_seq, record.count, record.body))
        tail.durable = tail.head
        timeline.dirty = True
        self.replayed += 1

    def _timeline(self, path: Path, record: JournalRecord) -> Timeline:
        timeline = self.timelines.get(record.execution)
        if timeline is None:
            timeline = self._archive.timeline(record.execution)
            if timeline is None and not record.birth:
                raise JournalDamaged(path, f"a record of {record.execution}", "nothing before it created the execution")
            timeline = timeline or Timeline(record.execution)
            self.timelines[record.execution] = timeline
        return timeline


def recover_journal(
    directory: Path, store: str, archive: Archive, files: FileLayer, report: RecoveryReport
) -> tuple[JournalWriter, list[Path], Replay, set[str]]:
    """Read the journal files of `store` that `events.fs` still needs, and remove those that it does not.

    Returns the writer of the last one, the files before it, what was replayed, and the executions that were removed.
    """
    needed = archive.journal
    moved = [journal_path(directory, number) for number in journal_numbers(directory) if number < needed]
    for path in moved:
        require_own(path, store)
    for path in moved:
        files.remove(path)
    scans = _scan_all(directory, needed, store, files, report)
    removed = {record.execution for _, found in scans for record in found.records if record.kind is RecordKind.REMOVE}
    replay = Replay(archive)
    for number, found in scans:
        replay.take(journal_path(directory, number), found.records, removed)
    report.replayed_records += replay.replayed
    last, found = scans[-1]
    writer = JournalWriter(directory, last, store, files)
    writer.resume(found)
    return writer, [journal_path(directory, number) for number, _ in scans[:-1]], replay, removed


def _scan_all(
    directory: Path, needed: int, store: str, files: FileLayer, report: RecoveryReport
) -> list[tuple[int, JournalScan]]:
    numbers = journal_numbers(directory)
    if needed not in numbers:
        raise DatabaseMissing(journal_path(directory, needed), "events.fs says that it holds events")
    if numbers != list(range(needed, needed + len(numbers))):
        raise DatabaseMissing(directory, f"journal files between {numbers[0]} and {numbers[-1]} are not all there")
    scans: list[tuple[int, JournalScan]] = []
    for number in numbers:
        path = journal_path(directory, number)
        found = scan(path, number, store)
        if found is None:
            if number == needed:
                raise JournalDamaged(path, "offset 0", "its header is cut, and events.fs says that it was whole")
            if path.stat().st_size:
                report.cuts.append(keep_cut(path, 0, files))
            files.remove(path)
            break
        if found.size > found.whole:
            if number != numbers[-1]:
                raise JournalDamaged(path, f"offset {found.whole}", "it ends too early, and a later file goes on")
            report.cuts.append(keep_cut(path, found.whole, files))
        scans.append((number, found))
    while len(scans) > 1 and not scans[-1][1].records:
        number, _ = scans.pop()
        files.remove(journal_path(directory, number))
    return scans

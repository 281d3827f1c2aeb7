"""The journal's bytes."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from stigmer_backend.store import frames
from stigmer_backend.store.frames import FRAME_HEADER_BYTES, JournalRecord, RecordKind
from tests.support.scale import scaled

SEED = frames.seed_of(b"salt" * 4)

records = st.builds(
    JournalRecord,
    kind=st.sampled_from(RecordKind),
    execution=st.text("abcdefgh-0123456789", min_size=1, max_size=64),
    first_seq=st.integers(0, 2**63 - 1),
    count=st.integers(0, 2**32 - 1),
    producer=st.text(max_size=50),
    epoch=st.integers(0, 2**63 - 1),
    producer_seq=st.integers(0, 2**63 - 1),
    body=st.binary(max_size=300),
    birth=st.booleans(),
)


@given(groups=st.lists(st.lists(records, max_size=4), max_size=5), junk=st.binary(max_size=80))
@settings(max_examples=scaled(100, 3000), deadline=None)
def test_groups_come_back_as_they_were_written(groups: list[list[JournalRecord]], junk: bytes) -> None:
    data, previous = frames.encode_file_header(1, b"salt" * 4), SEED
    for group in groups:
        frame, previous = frames.encode_frame(group, len(data), len(data), previous, SEED)
        data += frame
    position = frames.FILE_HEADER_BYTES
    found: list[list[JournalRecord]] = []
    while header := frames.read_frame(data + junk, position, SEED):
        found.append(frames.decode_records(data + junk, header))
        position += FRAME_HEADER_BYTES + header.payload_bytes
    assert found == groups
    assert position == len(data)


@given(group=st.lists(records, min_size=1, max_size=3), place=st.integers(0, 2**30), mask=st.integers(1, 255))
@settings(max_examples=scaled(100, 3000), deadline=None)
def test_a_changed_frame_is_none(group: list[JournalRecord], place: int, mask: int) -> None:
    frame, _ = frames.encode_frame(group, 0, 0, SEED, SEED)
    assert frames.read_frame(frame, 0, SEED) is not None
    assert frames.read_frame(frame, 0, SEED + 1) is None
    assert frames.read_frame(b"x" + frame, 1, SEED) is None
    place %= len(frame)
    changed = frame[:place] + bytes((frame[place] ^ mask,)) + frame[place + 1 :]
    assert frames.read_frame(changed, 0, SEED) is None
    assert frames.read_frame(frame[:place], 0, SEED) is None


@given(data=st.binary(max_size=200))
@settings(max_examples=scaled(200, 5000), deadline=None)
def test_no_bytes_are_taken_for_a_record_that_they_are_not(data: bytes) -> None:
    try:
        record, end = frames.decode_record(data, 0, len(data))
    except ValueError:
        return
    assert b"".join(frames.encode_record(record)) == data[:end]


def test_a_file_header_names_its_number() -> None:
    header = frames.encode_file_header(7, b"salt" * 4)
    assert frames.decode_file_header(header + b"more") == (7, b"salt" * 4)
    for size in range(len(header)):
        assert frames.decode_file_header(header[:size]) is None
    for place in range(len(header)):
        changed = header[:place] + bytes((header[place] ^ 4,)) + header[place + 1 :]
        assert frames.decode_file_header(changed) is None


@pytest.mark.parametrize("length", [0, 1, 2**32 - 1])
def test_a_declared_length_is_not_believed(length: int) -> None:
    frame, _ = frames.encode_frame([], 0, 0, SEED, SEED)
    forged = frame[:4] + length.to_bytes(4) + frame[8:]
    assert (frames.read_frame(forged, 0, SEED) is not None) == (length == 0)

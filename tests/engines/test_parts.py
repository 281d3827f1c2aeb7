"""What stands between the definitions and a cluster: sealed values, names, the key."""

from pathlib import Path

import pytest

from stigmer_runner.errors import RunnerError
from stigmer_runner.temporal.codec import PayloadRefused, SealedPayloads
from stigmer_runner.temporal.key_file import KEY_NAME, sealing_key
from stigmer_runner.temporal.library import Payload
from stigmer_runner.temporal.naming import execution_of, run_queue_of, work_queue_of, workflow_id_of

KEY, OTHER = bytes(32), bytes(range(32))
VALUE = Payload(metadata={"encoding": b"json/plain"}, data=b'"a secret word"' * 100)
AGENT, WORKFLOW = "aex-01m7zhc2jwz34q5bf9hh8427fm", "wex-01m7zj0739eeba4cqf99s6rsnj"


async def test_a_sealed_value_comes_back_and_shows_nothing() -> None:
    codec = SealedPayloads(KEY)
    sealed, again = await codec.encode([VALUE, VALUE])
    assert b"secret" not in sealed.SerializeToString()
    assert sealed.data != again.data
    assert len(sealed.data) < len(VALUE.data)
    assert await codec.decode([sealed, again]) == [VALUE, VALUE]


async def test_what_was_sealed_by_others_or_changed_is_refused() -> None:
    (sealed,) = await SealedPayloads(KEY).encode([VALUE])
    with pytest.raises(PayloadRefused, match="another key"):
        await SealedPayloads(OTHER).decode([sealed])
    for at in range(0, len(sealed.data), 7):
        changed = Payload(
            metadata=sealed.metadata, data=sealed.data[:at] + bytes([sealed.data[at] ^ 1]) + sealed.data[at + 1 :]
        )
        with pytest.raises(PayloadRefused):
            await SealedPayloads(KEY).decode([changed])
    with pytest.raises(PayloadRefused, match="not sealed"):
        await SealedPayloads(KEY).decode([VALUE])


async def test_what_the_server_says_of_an_activity_that_nobody_took_is_read() -> None:
    """It seals nothing; refused, no cancelled run whose activity waited would ever come to its end."""
    said = Payload(metadata={"encoding": b"json/plain"}, data=b'"ACTIVITY_ID_NOT_STARTED"')
    assert await SealedPayloads(KEY).decode([said]) == [said]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SealedPayloads(bytes(length))


def test_names_say_whose_a_run_is() -> None:
    for execution_id in (AGENT, WORKFLOW):
        assert execution_of(workflow_id_of(execution_id)) == execution_id
        assert execution_of(f"{execution_id}/agent-1") == execution_id
        assert work_queue_of(execution_id).endswith(f"/{execution_id}")
    assert run_queue_of(AGENT) == "agent_execution_stigmer"
    assert run_queue_of(WORKFLOW) == "workflow_execution_stigmer"
    with pytest.raises(ValueError, match="none of Stigmer's"):
        execution_of("somebody/else")


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = sealing_key(tmp_path)
    assert len(key) == 32
    assert sealing_key(tmp_path) == key
    assert (tmp_path / KEY_NAME).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [KEY_NAME]


def test_a_key_that_others_can_read_or_that_is_cut_is_refused(tmp_path: Path) -> None:
    sealing_key(tmp_path)
    (tmp_path / KEY_NAME).chmod(0o640)
    with pytest.raises(RunnerError, match="chmod 600"):
        sealing_key(tmp_path)
    (tmp_path / KEY_NAME).chmod(0o600)
    (tmp_path / KEY_NAME).write_bytes(b"x" * 31)
    with pytest.raises(RunnerError, match="not a key of 32 bytes"):
        sealing_key(tmp_path)

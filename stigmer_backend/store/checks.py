"""What an append has to look like before it reaches the writer."""

from collections.abc import Sequence

from stigmer_backend.store.model import BODY_LIMIT, EXECUTION_ID_LIMIT, PRODUCER_LIMIT, Append

NUMBER_LIMIT = (1 << 63) - 1


def check_group(group: Sequence[Append]) -> None:
    """Raise `ValueError` if `group` is empty or one of it is malformed."""
    if not group:
        raise ValueError("a group needs an append")
    for append in group:
        _check(append)
    total = sum(len(append.body) for append in group)
    if total > BODY_LIMIT:
        raise ValueError(f"a group has {total} bytes; the limit is {BODY_LIMIT}")


def _check(append: Append) -> None:
    name = append.execution
    if not name or len(name) > EXECUTION_ID_LIMIT or not name.isascii() or not name.isprintable():
        raise ValueError(
            f"{name[:80]!r} is no id of an execution: 1 to {EXECUTION_ID_LIMIT} printable ASCII characters"
        )
    if len(append.producer.encode()) > PRODUCER_LIMIT:
        raise ValueError(f"the name of a producer of {name!r} is longer than {PRODUCER_LIMIT} bytes")
    if append.count < 0 or (append.count == 0) != (append.body == b""):
        raise ValueError(f"an append to {name!r} says {append.count} messages in {len(append.body)} bytes")
    least = 1 if append.producer else 0
    if not append.producer and (append.epoch or append.producer_seq):
        raise ValueError(f"an append to {name!r} without a producer has an epoch or a step")
    if not (0 <= append.epoch <= NUMBER_LIMIT and least <= append.producer_seq <= NUMBER_LIMIT):
        raise ValueError(f"an append to {name!r} has epoch {append.epoch} and step {append.producer_seq}")

"""The page that freezes our messages explains each of them, and each field."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FileDescriptor

from stigmer_apis._generated.stigmer.engine.v1 import journal_pb2
from stigmer_apis._generated.stigmer.event.v1 import event_pb2
from stigmer_apis._generated.stigmer.execution.v1 import (
    artifact_service_pb2,
    attention_pb2,
    execution_service_pb2,
    options_pb2,
    summary_pb2,
)
from stigmer_apis._generated.stigmer.runner.v1 import link_pb2
from stigmer_apis._generated.stigmer.server.v1 import server_pb2
from stigmer_apis._generated.stigmer.terminal.v1 import attach_pb2

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
FILES: list[FileDescriptor] = [
    module.DESCRIPTOR
    for module in (
        event_pb2,
        journal_pb2,
        attention_pb2,
        options_pb2,
        summary_pb2,
        execution_service_pb2,
        artifact_service_pb2,
        link_pb2,
        attach_pb2,
        server_pb2,
    )
]


def sections() -> dict[str, str]:
    """From a heading's name to what stands below it."""
    parts = re.split(r"^### (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def messages() -> Iterator[Descriptor]:
    for file in FILES:
        yield from file.message_types_by_name.values()


@pytest.mark.parametrize("message", [pytest.param(one, id=one.full_name) for one in messages()])
def test_each_message_has_a_section_that_names_each_field(message: Descriptor) -> None:
    below = sections().get(message.name)
    assert below is not None, f"docs/events.md has no section on {message.full_name}"
    if message.full_name == "stigmer.event.v1.Event":
        return
    for field in message.fields:
        assert f"`{field.name}`" in below, f"{message.full_name}.{field.name}"
    for nested in message.nested_types:
        if nested.GetOptions().map_entry:
            continue
        assert re.search(rf"`({message.name}\.)?{nested.name}`", below), nested.full_name
        for field in nested.fields:
            assert f"`{field.name}`" in below, f"{nested.full_name}.{field.name}"


def test_each_event_has_a_section() -> None:
    known = sections()
    for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["body"].fields:
        assert field.message_type is not None
        assert field.message_type.name in known


def test_the_page_names_nothing_that_is_not_there() -> None:
    names = {one.name for one in messages()}
    assert set(sections()) - names == {"Order of the events of one command line"}

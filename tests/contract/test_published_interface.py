"""The interface that existing programs speak is exactly the golden one; what we added has numbers from 1000 up."""

from collections.abc import Callable

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet

from protogen.listing import published
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.tasks import tasks_pb2
from stigmer_apis._generated.ai.stigmer.commons.apiresource import options_pb2
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind import api_resource_kind_pb2 as kinds
from stigmer_apis._generated.buf.validate import validate_pb2
from tests.contract.generated import image
from tests.contract.golden import assert_listed


def test_it_is_the_golden_one() -> None:
    assert_listed("published.txt", published(image()))


def test_it_has_23_services_and_75_methods() -> None:
    files = [file for file in image().file if file.package.startswith("ai.stigmer.")]
    services = [service for file in files for service in file.service]
    assert len(services) == 23
    assert sum(len(service.method) for service in services) == 75


def test_every_file_is_proto3_because_presence_and_open_enums_depend_on_it() -> None:
    files = [file for file in image().file if file.package.startswith("ai.stigmer.")]
    assert {file.syntax for file in files} == {"proto3"}


def _message(files: FileDescriptorSet, package: str, name: str) -> DescriptorProto:
    return next(m for f in files.file if f.package == package for m in f.message_type if m.name == name)


def _enum(files: FileDescriptorSet, package: str, name: str) -> EnumDescriptorProto:
    return next(e for f in files.file if f.package == package for e in f.enum_type if e.name == name)


def _field(files: FileDescriptorSet, message: str, name: str) -> FieldDescriptorProto:
    found = _message(files, "ai.stigmer.agentic.agent.v1", message)
    return next(field for field in found.field if field.name == name)


def _renumber(files: FileDescriptorSet) -> None:
    _field(files, "AgentSpec", "icon_url").number = 88


def _rename(files: FileDescriptorSet) -> None:
    _field(files, "AgentSpec", "icon_url").name = "icon"


def _retype(files: FileDescriptorSet) -> None:
    _field(files, "HttpServer", "timeout_seconds").type = FieldDescriptorProto.TYPE_INT64


def _relabel(files: FileDescriptorSet) -> None:
    _field(files, "AgentSpec", "icon_url").label = FieldDescriptorProto.LABEL_REPEATED


def _rename_in_json(files: FileDescriptorSet) -> None:
    _field(files, "AgentSpec", "icon_url").json_name = "icon"


def _leave_the_oneof(files: FileDescriptorSet) -> None:
    _field(files, "McpServerDefinition", "docker").ClearField("oneof_index")


def _loosen_a_rule(files: FileDescriptorSet) -> None:
    rules = _field(files, "AgentSpec", "instructions").options.Extensions[validate_pb2.field]
    rules.string.min_len = 9


def _drop_a_rule(files: FileDescriptorSet) -> None:
    _field(files, "AgentSpec", "instructions").ClearField("options")


def _rewrite_an_expression(files: FileDescriptorSet) -> None:
    rules = _field(files, "Agent", "metadata").options.Extensions[validate_pb2.field]
    rules.cel[0].expression = "true"


def _drop_a_field(files: FileDescriptorSet) -> None:
    del _message(files, "ai.stigmer.agentic.agent.v1", "AgentSpec").field[6]


def _add_a_low_field(files: FileDescriptorSet) -> None:
    spec = _message(files, "ai.stigmer.agentic.agent.v1", "AgentSpec")
    spec.field.add(name="more", number=999, type=FieldDescriptorProto.TYPE_STRING, json_name="more")


def _rename_a_value(files: FileDescriptorSet) -> None:
    _enum(files, "ai.stigmer.agentic.agentexecution.v1", "ExecutionPhase").value[1].name = "EXECUTION_QUEUED"


def _change_a_prefix(files: FileDescriptorSet) -> None:
    package = "ai.stigmer.commons.apiresource.apiresourcekind"
    agent = next(value for value in _enum(files, package, "ApiResourceKind").value if value.name == "agent")
    agent.options.Extensions[kinds.kind_meta].id_prefix = "agent"


def _stop_streaming(files: FileDescriptorSet) -> None:
    services = [service for file in files.file for service in file.service]
    query = next(service for service in services if service.name == "AgentExecutionQueryController")
    next(method for method in query.method if method.name == "subscribe").server_streaming = False


def _add_a_method(files: FileDescriptorSet) -> None:
    services = [service for file in files.file for service in file.service]
    query = next(service for service in services if service.name == "AgentQueryController")
    query.method.add().CopyFrom(query.method[0])
    query.method[-1].name = "find"


@pytest.mark.parametrize(
    "change",
    [
        _renumber,
        _rename,
        _retype,
        _relabel,
        _rename_in_json,
        _leave_the_oneof,
        _loosen_a_rule,
        _drop_a_rule,
        _rewrite_an_expression,
        _drop_a_field,
        _add_a_low_field,
        _rename_a_value,
        _change_a_prefix,
        _stop_streaming,
        _add_a_method,
    ],
)
def test_a_change_by_accident_is_noticed(change: Callable[[descriptor_pb2.FileDescriptorSet], None]) -> None:
    changed = image()
    change(changed)
    assert published(changed) != published(image())


def test_a_field_of_ours_is_allowed() -> None:
    added = image()
    spec = _message(added, "ai.stigmer.agentic.agent.v1", "AgentSpec")
    spec.field.add(name="more", number=1999, type=FieldDescriptorProto.TYPE_STRING, json_name="more")
    assert_listed("published.txt", published(added))


def test_options_are_readable_from_the_generated_code() -> None:
    values = kinds.ApiResourceKind.DESCRIPTOR.values_by_name
    prefixes = {
        name: value.GetOptions().Extensions[kinds.kind_meta].id_prefix for name, value in values.items() if value.number
    }
    assert len(set(prefixes.values())) == len(prefixes)
    assert prefixes["agent_execution"] == "aex"
    assert prefixes["execution_context"] == "exec"


def test_expressions_are_marked() -> None:
    marked = {
        f"{message.name}.{field.name}"
        for message in tasks_pb2.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
        if field.GetOptions().Extensions[options_pb2.is_expression]
    }
    assert marked == {
        "AgentCallTaskConfig.message",
        "ForTaskConfig.in",
        "HttpEndpoint.uri",
        "RaiseTaskConfig.error",
        "RaiseTaskConfig.message",
    }

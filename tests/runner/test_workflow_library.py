"""What the engine relies on in the workflow library, whose driving messages are not public: a bump must be looked at."""

import importlib.metadata
import inspect

from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import ActivityCancellationType, WorkflowCommand
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails

from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.engine.instance import name_of
from stigmer_runner.engine.temporalio_names import workflow


def test_the_version_is_the_one_that_was_looked_at() -> None:
    assert importlib.metadata.version("temporalio").startswith("1.35.")


def test_the_jobs_and_commands_that_are_translated_exist() -> None:
    jobs = {field.name for field in WorkflowActivationJob.DESCRIPTOR.fields}
    assert {
        "initialize_workflow",
        "resolve_activity",
        "fire_timer",
        "signal_workflow",
        "cancel_workflow",
        "notify_has_patch",
        "query_workflow",
        "remove_from_cache",
    } <= jobs
    commands = {field.name for field in WorkflowCommand.DESCRIPTOR.fields}
    assert {
        "schedule_activity",
        "request_cancel_activity",
        "start_timer",
        "cancel_timer",
        "set_patch_marker",
        "respond_to_query",
        "complete_workflow_execution",
        "fail_workflow_execution",
        "cancel_workflow_execution",
    } <= commands
    assert set(ActivityCancellationType.keys()) == {"TRY_CANCEL", "WAIT_CANCELLATION_COMPLETED", "ABANDON"}


def test_the_details_of_an_instance_are_those_that_are_given() -> None:
    assert set(inspect.signature(WorkflowInstanceDetails).parameters) == {
        "payload_converter_factory",
        "failure_converter_class",
        "interceptor_classes",
        "defn",
        "info",
        "randomness_seed",
        "extern_functions",
        "disable_eager_activity_execution",
        "worker_level_failure_exception_types",
        "patch_activation_callback",
        "last_completion_result",
        "last_failure",
        "default_workflow_logic_flags",
    }
    assert inspect.isabstract(WorkflowInstance)


def test_the_definition_stands_on_the_class() -> None:
    assert name_of(AgentLoop) == "stigmer/agent-execution/loop"
    assert hasattr(workflow, "Info")

"""The tasks of workflows: each has a configuration of its kind, and may hold tasks itself."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.tasks import tasks_pb2 as tasks
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import WorkflowTask
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import WorkflowTaskKind
from stigmer_apis.errors import FieldViolation
from stigmer_apis.slugs import slugify
from stigmer_apis.workflow.model import AgentCall, RunWorkflow, Workflow
from stigmer_apis.workflow.values import Text
from stigmer_backend.resources.contract_rules import violations_of
from stigmer_backend.resources.kinds import AGENTS, WORKFLOWS
from stigmer_backend.resources.references import Reference
from stigmer_backend.resources.rules import twice
from stigmer_backend.resources.text import quoted

TASKS = "spec.tasks"
"""Where a workflow's tasks stand."""
_DEEPEST = 32
_ENDS = frozenset({"", "continue", "exit", "end"})
"""What flow control may say beside the name of a task of the same list."""

_CONFIGS: Mapping[int, type[Message]] = {
    WorkflowTaskKind.WORKFLOW_TASK_KIND_SET: tasks.SetTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_HTTP_CALL: tasks.HttpCallTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_GRPC_CALL: tasks.GrpcCallTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_CALL_ACTIVITY: tasks.CallActivityTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_SWITCH: tasks.SwitchTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_FOR: tasks.ForTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_FORK: tasks.ForkTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_TRY: tasks.TryTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_LISTEN: tasks.ListenTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_WAIT: tasks.WaitTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_RAISE: tasks.RaiseTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_RUN: tasks.RunTaskConfig,
    WorkflowTaskKind.WORKFLOW_TASK_KIND_AGENT_CALL: tasks.AgentCallTaskConfig,
}
_UNKNOWN_FIELD = re.compile(r'has no field named "([^"]*)"')


def task_problems(given: Sequence[WorkflowTask], path: str, depth: int = 0) -> Iterator[FieldViolation]:
    """What is wrong with the tasks of one list at `path`, and with those inside them."""
    if depth == _DEEPEST:
        yield FieldViolation(path, "stigmer.workflow.depth", f"is nested deeper than {_DEEPEST} lists of tasks")
        return
    yield from twice(path, "name", (task.name for task in given))
    names = {task.name for task in given}
    for place, task in enumerate(given):
        here = f"{path}[{place}]"
        if task.flow.then not in _ENDS | names:
            yield _nowhere(f"{here}.flow.then", task.flow.then)
        config = _config(task)
        if config is None:
            yield FieldViolation(f"{here}.kind", "stigmer.workflow.kind", "is no kind of task that is known")
        elif isinstance(config, ParseError):
            yield FieldViolation(f"{here}.task_config", "stigmer.workflow.task_config", _words(config))
        else:
            yield from (
                FieldViolation(f"{here}.task_config.{wrong.field}", wrong.rule, wrong.message)
                for wrong in violations_of(config)
            )
            if isinstance(config, tasks.SwitchTaskConfig):
                for number, case in enumerate(config.cases):
                    if case.then not in _ENDS | names:
                        yield _nowhere(f"{here}.task_config.cases[{number}].then", case.then)
            for inner, below in _inside(config, f"{here}.task_config"):
                yield from task_problems(inner, below, depth + 1)


def calls(given: Iterable[WorkflowTask], path: str, depth: int = 0) -> Iterator[Reference]:
    """The agents that tasks call and the workflows that they run, by name; what an expression names is not known yet."""
    if depth == _DEEPEST:
        return
    for place, task in enumerate(given):
        here = f"{path}[{place}].task_config"
        config = _config(task)
        if isinstance(config, tasks.AgentCallTaskConfig) and _is_name(config.agent):
            yield Reference(f"{here}.agent", AGENTS, config.agent)
        elif isinstance(config, tasks.RunTaskConfig) and _is_name(config.workflow):
            yield Reference(f"{here}.workflow", WORKFLOWS, config.workflow)
        elif isinstance(config, Message):
            for inner, below in _inside(config, here):
                yield from calls(inner, below, depth + 1)


def document_calls(workflow: Workflow) -> Sequence[Reference]:
    """The same of a document: what it calls and runs, itself and in its functions."""
    waiting = [*workflow.tasks, *workflow.uses.functions]
    found: list[Reference] = []
    while waiting:
        task = waiting.pop()
        match task.work:
            case AgentCall(agent=Text(text=name)) if _is_name(name):
                found.append(Reference("spec.yaml", AGENTS, slugify(name)))
            case RunWorkflow(name=Text(text=name)) if _is_name(name):
                found.append(Reference("spec.yaml", WORKFLOWS, slugify(name)))
            case _:
                pass
        for _, inner in task.lists():
            waiting.extend(inner)
    return tuple(dict.fromkeys(found))


def _config(task: WorkflowTask) -> Message | ParseError | None:
    """The configuration of a task as its kind's message; the error where it is none; None for an unknown kind."""
    message = _CONFIGS.get(task.kind)
    if message is None:
        return None
    try:
        return ParseDict(MessageToDict(task.task_config), message())
    except ParseError as error:
        return error


def _inside(config: Message, path: str) -> Iterator[tuple[Sequence[WorkflowTask], str]]:
    """The lists of tasks inside a configuration, each with its path."""
    match config:
        case tasks.ForTaskConfig():
            yield config.do, f"{path}.do"
        case tasks.ForkTaskConfig():
            for number, branch in enumerate(config.branches):
                yield branch.do, f"{path}.branches[{number}].do"
        case tasks.TryTaskConfig():
            yield cast("Sequence[WorkflowTask]", getattr(config, "try")), f"{path}.try"
            yield config.catch.do, f"{path}.catch.do"
        case _:
            return


def _is_name(text: str) -> bool:
    return bool(text) and "${" not in text


def _nowhere(path: str, then: str) -> FieldViolation:
    return FieldViolation(
        path,
        "stigmer.workflow.then",
        f"leads to {quoted(then)}, which is no task of this list (or `continue`, `exit`, `end`)",
    )


def _words(error: ParseError) -> str:
    """What is wrong with a configuration, without the names of messages."""
    text = str(error)
    unknown = _UNKNOWN_FIELD.search(text)
    if unknown is not None:
        return f"has {quoted(unknown[1])}, which this kind of task does not know"
    return f"does not fit the kind of task: {text[:200]}"

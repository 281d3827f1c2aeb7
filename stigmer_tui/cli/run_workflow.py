"""Starting workflows from the command line: stored ones by name, and documents that are not stored."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.client import Client, client_environment
from stigmer_apis.documents.problems import ManifestError
from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_tui.cli.connect import note
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.resources import number
from stigmer_tui.cli.stream import ExecutionStream, StreamOptions
from stigmer_tui.cli.workflow_stream import WorkflowStream
from stigmer_tui.manifests.kinds import AGENT, AGENT_INSTANCE, WORKFLOW, WORKFLOW_INSTANCE, Kind

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Given:
    """What a workflow's run is started with."""

    input: Value | None = None
    workspace: str = ""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    policy: Policy | None = None
    """What it may do; None for the usual."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What of the run is shown."""

    follow: bool = True
    as_json: bool = False


def is_document(target: str) -> bool:
    """Whether this names a file rather than something that is stored."""
    path = Path(target)
    return target == "-" or path.suffix in SUFFIXES or ("/" in target and path.is_file())


def read_document(file: str) -> str:
    """The text of a file, or of standard input, checked: a document, and perhaps others behind it that it runs.

    Raises `ManifestError` with everything that is wrong.
    """
    from stigmer_apis.documents.problems import Problem
    from stigmer_apis.documents.sources import read_sources
    from stigmer_apis.workflow.checking import check_sources
    from stigmer_tui.cli.sources import standard_input

    [source] = read_sources([file], standard_input)
    checked = check_sources([source])
    problems = [problem for each in checked for problem in each.errors]
    if not problems and not checked:
        remedy = "a workflow begins with `document:` and has its tasks below `do:`"
        problems = [Problem(file, 0, 0, "there is no document in it", remedy=remedy)]
    if problems:
        raise ManifestError(problems)
    return source.data.decode("utf-8-sig")


async def is_workflow(client: Client, name: str) -> bool:
    """Whether the name is a workflow's; an agent's else. Raises `NotFound` for neither, `InvalidArgument` for both."""
    workflow = await _there(client, (WORKFLOW, WORKFLOW_INSTANCE), name)
    agent = await _there(client, (AGENT, AGENT_INSTANCE), name)
    if workflow and agent:
        raise InvalidArgument(
            f"there is an agent and a workflow named {name!r}", remedy=f"say which: agent/{name} or workflow/{name}"
        )
    if not workflow and not agent:
        raise NotFound(
            f"there is no agent and no workflow named {name!r}",
            remedy="`stigmer get agents` and `stigmer get workflows` list them; a file is named with its ending: FILE.yaml",
        )
    return workflow


async def _there(client: Client, kinds: Sequence[Kind], name: str) -> bool:
    for kind in kinds:
        try:
            await client.resources.get(number(kind), name)
        except NotFound:
            continue
        return True
    return False


async def start(client: Client, name: str, document: str, given: Given) -> str:
    """Start a stored workflow (or an instance of one) by name, or a document. The execution's id. Raises `NotFound`."""
    workflow_id = instance_id = ""
    if not document:
        try:
            found = await client.resources.get(number(WORKFLOW), name)
            workflow_id = found.workflow.metadata.id
        except NotFound as error:
            instance_id = await _instance(client, name, error)
    size = shutil.get_terminal_size((80, 24))
    execution = await client.workflows.run(
        workflow_id=workflow_id,
        instance_id=instance_id,
        document=document,
        input=given.input,
        workspace=given.workspace,
        client_environment=client_environment(columns=size.columns, rows=size.lines),
        variables=given.variables,
        secrets=given.secrets,
        policy=given.policy,
    )
    return execution.metadata.id


async def _instance(client: Client, name: str, said: NotFound) -> str:
    try:
        found = await client.resources.get(number(WORKFLOW_INSTANCE), name)
    except NotFound:
        like = f"{said.remedy} " if said.remedy.startswith("did you mean") else ""
        raise NotFound(
            f"there is no workflow {name!r}",
            remedy=f"{like}`stigmer get workflows` lists them; a file is named with its ending: FILE.yaml",
        ) from said
    return found.workflow_instance.metadata.id


async def show(client: Client, execution_id: str, shown: Shown) -> int:
    """Print the id and leave, or follow the run to its end."""
    if not shown.follow:
        click.echo(execution_id)
        return ExitCode.OK
    code: int = ExitCode.INTERRUPTED
    try:
        if shown.as_json:
            code = await ExecutionStream(client, execution_id, StreamOptions(as_json=True)).show()
        else:
            code = await WorkflowStream(client, execution_id).show()
    finally:
        if code is ExitCode.INTERRUPTED:
            note(
                f"\nstigmer: the run goes on. Follow it again: stigmer logs -f {execution_id}   Stop it: stigmer cancel {execution_id}"
            )
    return code

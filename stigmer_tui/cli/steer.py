"""`stigmer approve`, `deny`, `answer`, `pause`, `resume`, `interrupt`, `branch`, `undo`, `attention`: steer a run from the line."""

import json
from collections.abc import Mapping
from typing import cast

import click

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Approval
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import ListAttentionResponse
from stigmer_apis.client import Client
from stigmer_apis.errors import FailedPrecondition
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.history import moment
from stigmer_tui.cli.naming import complete_executions
from stigmer_tui.cli.tables import print_json
from stigmer_tui.text import safe

PAGE = 1000
SCOPES = {"once": Approval.APPROVAL_ONCE, "session": Approval.APPROVAL_SESSION, "prefix": Approval.APPROVAL_PREFIX}
_WORDS = {
    AttentionKind.ATTENTION_KIND_APPROVAL: "approve",
    AttentionKind.ATTENTION_KIND_QUESTION: "answer",
    AttentionKind.ATTENTION_KIND_INPUT: "input",
    AttentionKind.ATTENTION_KIND_PASSWORD: "password",
    AttentionKind.ATTENTION_KIND_PROBLEM: "problem",
}

_id = click.argument("execution_id", metavar="ID", shell_complete=complete_executions)
_reason = click.option("--reason", default="", help="Why; the agent is told.")


@click.command("approve")
@_id
@click.argument("call_id", metavar="CALL")
@click.option(
    "--scope",
    type=click.Choice(list(SCOPES)),
    default="once",
    show_default=True,
    help="This call, the same call for the session, or all that begins so.",
)
@click.option(
    "--arguments",
    metavar="JSON",
    help="Make it with these instead, once: all of them, as `attention -o json` shows them.",
)
@_reason
def approve(execution_id: str, call_id: str, scope: str, arguments: str | None, reason: str) -> int:
    """Let the run ID make its tool call CALL. What `stigmer attention` shows of it is what is approved, and nothing else.

    \b
    Examples:
      stigmer approve aex-01jd... call-3 --scope session
      stigmer approve aex-01jd... call-4 --arguments '{"command": "make test"}'
    """
    if arguments is not None and scope != "once":
        raise click.UsageError("changed arguments are approved once: leave out --scope")
    edited = None if arguments is None else _json_object(arguments)
    return with_client(lambda client: _resolve(client, execution_id, call_id, SCOPES[scope], reason, edited))


@click.command("deny")
@_id
@click.argument("call_id", metavar="CALL")
@_reason
def deny(execution_id: str, call_id: str, reason: str) -> int:
    """Do not let the run ID make its tool call CALL.

    \b
    Example:
      stigmer deny aex-01jd... call-3 --reason 'not on main'
    """
    return with_client(lambda client: _resolve(client, execution_id, call_id, Approval.APPROVAL_DENIED, reason))


@click.command("answer")
@_id
@click.argument("text")
@click.option("--question", default="", metavar="QUESTION", help="Which one, where more than one is open.")
def answer(execution_id: str, text: str, question: str) -> int:
    """Answer the question that the run ID asks.

    \b
    Example:
      stigmer answer aex-01jd... 'the blue one'
    """

    async def work(client: Client) -> int:
        await client.steering.answer(execution_id, text, question)
        return ExitCode.OK

    return with_client(work)


@click.command("pause")
@_id
def pause(execution_id: str) -> int:
    """Let the run ID stop after its current step.

    \b
    Example:
      stigmer pause aex-01jd...
    """

    async def work(client: Client) -> int:
        await client.steering.pause(execution_id)
        return ExitCode.OK

    return with_client(work)


@click.command("resume")
@_id
def resume(execution_id: str) -> int:
    """Let the run ID go on after a pause.

    \b
    Example:
      stigmer resume aex-01jd...
    """

    async def work(client: Client) -> int:
        await client.steering.resume(execution_id)
        return ExitCode.OK

    return with_client(work)


@click.command("interrupt")
@_id
def interrupt(execution_id: str) -> int:
    """Stop what the run ID does now. It goes on with the next message.

    \b
    Example:
      stigmer interrupt aex-01jd...
    """

    async def work(client: Client) -> int:
        await client.steering.interrupt(execution_id)
        return ExitCode.OK

    return with_client(work)


@click.command("change")
@_id
@click.option(
    "--model",
    default="",
    help="Another model from its next call on, such as anthropic/claude-sonnet-4-5; where it has ended, for its session's next runs.",
)
@click.option(
    "--policy",
    "preset",
    type=click.Choice(["read-only", "ask", "auto"]),
    help="What it may do by itself from its next tool call on, over what its agent says.",
)
def change(execution_id: str, model: str, preset: str | None) -> int:
    """Give the run ID another model or another policy while it works.

    \b
    Example:
      stigmer change aex-01jd... --policy auto
    """
    if not model and preset is None:
        raise click.UsageError("say what is to change: --model NAME, --policy PRESET, or both")

    async def work(client: Client) -> int:
        if model and not await client.steering.change_model(execution_id, model):
            note(f"it has ended: {safe(model)} answers from its session's next run on")
        if preset is not None:
            await client.steering.change_policy(execution_id, Policy(preset=preset))
        return ExitCode.OK

    return with_client(work)


@click.command("undo")
@_id
@click.option(
    "--message", default="", metavar="MESSAGE", help="The message that began the turn. Default: the last turn."
)
def undo(execution_id: str, message: str) -> int:
    """Put the files back that the run ID changed in a turn, while it runs or after its end. What commands changed is not put back.

    \b
    Example:
      stigmer undo aex-01jd...
    """

    async def work(client: Client) -> int:
        undone = await client.steering.undo_turn(execution_id, message)
        for path in undone.paths:
            click.echo(f"{safe(path)} is as before")
        for path in undone.left:
            click.echo(f"{safe(path)} is left alone: somebody else changed it since", err=True)
        if not undone.command_id and not undone.paths and not undone.left:
            note("no file had to be put back")
        return ExitCode.OK

    return with_client(work)


@click.command("branch")
@_id
@click.option(
    "--message", default="", metavar="MESSAGE", help="The last message that both share. Default: all of them."
)
@click.option(
    "-t", "--text", default="", help="What the branch is asked. Default: the shared past's last message again."
)
@click.option("--model", default="", help="Another model.")
def branch(execution_id: str, message: str, text: str, model: str) -> int:
    """Start a new session that shares the past of the run ID, and print the id of the run in it. The old one stays.

    \b
    Example:
      stigmer branch aex-01jd... --text 'and now without a loop'
    """

    async def work(client: Client) -> int:
        made = await client.steering.branch(execution_id, message, text=text, model=model)
        click.echo(made.execution_id)
        return ExitCode.OK

    return with_client(work)


@click.command("attention")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def attention(output: str) -> int:
    """List what waits for you, in all runs, the oldest first.

    \b
    Examples:
      stigmer attention
      stigmer attention -o json
    """

    async def work(client: Client) -> int:
        waiting = await _all(client)
        if output == "json":
            print_json(waiting)
            return ExitCode.OK
        for each in waiting:
            _show(each)
        if waiting:
            note(
                "decide: `stigmer approve ID CALL`, `stigmer deny ID CALL`; `stigmer answer ID TEXT`; `stigmer attach ID`"
            )
        else:
            click.echo("Nothing waits for you.")
        return ExitCode.OK

    return with_client(work)


def _json_object(text: str) -> Mapping[str, object]:
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--arguments is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.UsageError('--arguments is no JSON object: write it as {"name": value}')
    return cast("dict[str, object]", found)


async def _resolve(
    client: Client,
    execution_id: str,
    call_id: str,
    approval: Approval.ValueType,
    reason: str,
    edited: Mapping[str, object] | None = None,
) -> int:
    for each in await _all(client):
        if each.execution.execution_id == execution_id and each.approval.call_id == call_id:
            binding = each.approval.binding
            await client.steering.resolve_approval(
                execution_id, call_id, approval, binding=binding, reason=reason, edited_args=edited
            )
            return ExitCode.OK
    raise FailedPrecondition(
        f"no decision is wanted about the call {call_id} of {execution_id}: it was decided, or never asked for",
        remedy="see what waits: `stigmer attention`",
    )


async def _all(client: Client) -> list[ListAttentionResponse.Waiting]:
    found: list[ListAttentionResponse.Waiting] = []
    token = ""
    while True:
        page = await client.steering.list_attention(page_size=PAGE, page_token=token)
        found.extend(page.waiting)
        token = page.next_page_token
        if not token:
            return found


def _show(waiting: ListAttentionResponse.Waiting) -> None:
    """One thing: a line to find it by, and below it what is to be decided, whole."""
    what = waiting.attention
    handle = what.call_id if what.kind == AttentionKind.ATTENTION_KIND_APPROVAL else what.attention_id
    row = (
        waiting.execution.execution_id,
        _WORDS.get(what.kind, "look"),
        handle,
        waiting.execution.workflow_name or waiting.execution.agent_name,
    )
    click.echo("  ".join(safe(word) for word in row))
    text = waiting.approval.summary or waiting.question.text or what.text
    for line in safe(text, lines=True).splitlines():
        click.echo(f"    {line}")
    if waiting.approval.reason:
        click.echo(f"    ({safe(waiting.approval.reason)})")
    if expires := waiting.approval.expires_unix_micros:
        click.echo(f"    (until {moment(expires)}: then it counts as denied)")
    if waiting.question.options:
        click.echo(f"    one of: {safe(', '.join(waiting.question.options))}")

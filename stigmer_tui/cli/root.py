"""The `stigmer` command and its subcommands, each loaded when it is called."""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from stigmer_tui.cli.closed_pipe import leave_quietly
from stigmer_tui.cli.exit_codes import ExitCode


@dataclass(frozen=True)
class Subcommand:
    """Where a subcommand is, and what it is for."""

    module: str
    """Below `stigmer_tui.cli`."""
    summary: str
    """One line of `stigmer --help`."""
    name: str = "command"
    """What the click command is called in it."""


SUBCOMMANDS: dict[str, Subcommand] = {
    "tui": Subcommand("tui", "Open the workstation."),
    "demo": Subcommand("demo", "See the workstation at work, without a key or a model."),
    "run": Subcommand("run", "Run an agent or a workflow, and follow it."),
    "logs": Subcommand("logs", "Show what a run has printed."),
    "tail": Subcommand("tail", "Show logs: of server and runner, any files, or a pipe."),
    "attach": Subcommand("attach", "Take the keyboard of a run's terminal, or of a session's shell."),
    "send": Subcommand("send", "Send a message to a run."),
    "cancel": Subcommand("cancel", "Stop a run and everything it started."),
    "attention": Subcommand("steer", "List what waits for you, in all runs.", "attention"),
    "approve": Subcommand("steer", "Let a run make a tool call.", "approve"),
    "deny": Subcommand("steer", "Do not let a run make a tool call.", "deny"),
    "answer": Subcommand("steer", "Answer a run's question.", "answer"),
    "pause": Subcommand("steer", "Let a run stop after its current step.", "pause"),
    "resume": Subcommand("steer", "Let a paused run go on.", "resume"),
    "signal": Subcommand("workflow_steer", "Send a workflow's run a signal.", "signal"),
    "publish": Subcommand("workflow_steer", "Tell an event to workflows that wait for it.", "publish"),
    "retry": Subcommand("workflow_steer", "Run once more what a run ran.", "retry"),
    "complete": Subcommand("workflow_steer", "Complete a task that waits for somebody outside.", "complete"),
    "interrupt": Subcommand("steer", "Stop what a run does now.", "interrupt"),
    "change": Subcommand("steer", "Give a run another model or policy.", "change"),
    "undo": Subcommand("steer", "Put back the files that a turn changed.", "undo"),
    "branch": Subcommand("steer", "Go another way from a message on.", "branch"),
    "export": Subcommand("export", "Write a run out: a recording, a page to read, an archive."),
    "import": Subcommand("importing", "Take an archive of runs and resources into the store."),
    "replay": Subcommand("replay", "Play what a run's terminals showed."),
    "artifact": Subcommand("artifact", "List and get the files that runs made."),
    "get": Subcommand("get", "List resources of any kind, or show one."),
    "describe": Subcommand("describe", "Show a resource on a page, with what depends on it."),
    "apply": Subcommand("apply", "Create and update what files describe."),
    "edit": Subcommand("edit", "Edit a resource in your editor."),
    "delete": Subcommand("delete", "Delete a resource and what goes along with it."),
    "history": Subcommand("history", "Show what a resource was before, and restore it."),
    "agent": Subcommand("agent", "Create, list, show, execute and delete agents."),
    "workflow": Subcommand("workflow", "Check, draw, store and run workflows."),
    "schedule": Subcommand("schedule", "List, pause and trigger workflows that start by themselves."),
    "session": Subcommand("session", "List, show and delete sessions."),
    "environment": Subcommand("environment", "Create, list, show, change and delete environments."),
    "skill": Subcommand("skill", "Push, list, show, fetch and delete skills."),
    "init": Subcommand("init", "Start a project: an agent, an environment, a workflow, schemas."),
    "new": Subcommand("new", "Print a commented file to start from."),
    "schema": Subcommand("schema", "Print JSON Schemas for editors."),
    "completion": Subcommand("completion", "Print what a shell needs to complete commands."),
    "secrets": Subcommand("secrets", "Set secrets and keys of providers, and see how they are guarded."),
    "acp": Subcommand("acp", "Serve an agent to an editor."),
    "models": Subcommand("models", "List, get and check the models of a local Ollama."),
    "config": Subcommand("config", "Show and change settings."),
    "backend": Subcommand("backend", "Look at the backend, and choose it."),
    "apikey": Subcommand("apikey", "Make, list and revoke keys for clients of other machines."),
    "server": Subcommand("server", "Start, stop and look at the daemon."),
    "runner": Subcommand("runner", "List runners, let one leave, or be one for a server elsewhere."),
    "backup": Subcommand("backup", "Copy everything that the server holds to a directory."),
    "verify": Subcommand("verify", "Look at every byte of a backup, or of the store here."),
    "restore": Subcommand("restore", "Put a backup in the place of the store here."),
    "prune": Subcommand("prune", "Delete runs that have ended, by age, size and label."),
    "pack": Subcommand("pack", "Give back the space of what was deleted and replaced."),
    "doctor": Subcommand("doctor", "See what works on this machine, and how to mend what does not."),
    "version": Subcommand("version", "Show versions."),
}


class Root(click.Group):
    """A group that knows its commands by name and imports only the one that is called."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader of our output that has gone ends it quietly."""
        try:
            outcome: object = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            return leave_quietly()
        return outcome

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order a person meets them."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        found = SUBCOMMANDS.get(cmd_name)
        if found is None:
            return None
        command: object = getattr(importlib.import_module(f"stigmer_tui.cli.{found.module}"), found.name)
        if not isinstance(command, click.Command):
            raise TypeError(f"stigmer_tui.cli.{found.module}.{found.name} is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in SUBCOMMANDS.items()])


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.option("-V", "--version", is_flag=True, help="Show the version and exit.")
@click.pass_context
def root(context: click.Context, version: bool) -> None:
    """Run AI agents from the terminal, and watch them live.

    \b
    Examples:
      stigmer tui
      stigmer run shell --message 'echo $((6*7))' --follow
      stigmer get executions
    """
    if version:
        from stigmer_apis._version import __version__

        click.echo(f"stigmer {__version__}")
    elif context.invoked_subcommand is None:
        click.echo(context.get_help())


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Errors are said on standard error."""
    try:
        outcome: object = root.main(args=list(arguments), prog_name="stigmer", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    except click.UsageError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return int(outcome) if isinstance(outcome, int) else ExitCode.OK

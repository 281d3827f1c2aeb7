"""`stigmer edit`: change a resource in the person's own editor."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import click

from stigmer_apis.client import Client
from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.errors import Aborted
from stigmer_tui.cli.connect import complain, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import KindName, complete_names
from stigmer_tui.cli.resources import fetch
from stigmer_tui.cli.schema import write_schemas
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.manifests.refused import plain
from stigmer_tui.manifests.storing import DeletedMeanwhile, Target, read_one, store
from stigmer_tui.manifests.writing import editable_data, to_yaml
from stigmer_tui.text import safe

SAID = "#! "
"""Begins a line that tells what is wrong with the next one. Such lines are taken out before the file is read again."""
DIRECTORY_PREFIX = "stigmer-edit-"


@click.command("edit")
@click.argument("kind", type=KindName(described=True))
@click.argument("name", shell_complete=complete_names)
def command(kind: Kind, name: str) -> int:
    """Edit the resource of a KIND called NAME in $VISUAL or $EDITOR.

    The text is checked before it is stored; where something is wrong the editor opens again with what is wrong above the line. Saving no change stores
    nothing. Where somebody else changed the resource meanwhile, nothing is overwritten and your text is kept.

    \b
    Example:
      EDITOR=true stigmer edit environment support
    """

    async def work(client: Client) -> int:
        resource = await fetch(client, kind, name)
        text = _header(kind) + to_yaml(editable_data(resource))
        path = Path(tempfile.mkdtemp(prefix=DIRECTORY_PREFIX)) / f"{kind.word}-{resource.metadata.slug}.yaml"
        path.touch(0o600)
        write_schemas(path.parent, [kind])
        return await _Editing(client, kind, resource, path, text).run()

    return with_client(work)


class _Editing:
    """One resource in an editor, until it is stored or given up."""

    def __init__(self, client: Client, kind: Kind, resource: Any, path: Path, text: str) -> None:
        self._client = client
        self._kind = kind
        self._resource = resource
        self._path = path
        self._first = text
        self._target = Target(kind, resource.metadata.id, resource.metadata.slug, path.name)

    async def run(self) -> int:
        """Open the editor until the text can be stored. Returns the exit code."""
        shown = text = self._first
        while True:
            self._path.write_text(shown)
            _open_editor(self._path)
            before, text = text, _without_said(self._path.read_bytes().decode("utf-8", "surrogateescape"))
            if text.strip() in ("", self._first.strip()):
                self._remove()
                click.echo(f"{self._kind.word}/{safe(self._resource.metadata.slug)} unchanged")
                return ExitCode.OK
            try:
                document = read_one(text.encode("utf-8", "surrogateescape"), self._target)
                outcome = await store(self._client, document, self._target)
            except ManifestError as refusal:
                if shown != self._first and text == before:
                    return self._give_up(refusal)
                shown = _with_said(text, refusal.problems)
                continue
            except (Aborted, DeletedMeanwhile) as error:
                complain(
                    Aborted(plain(error), remedy=error.remedy) if isinstance(error, Aborted) else Aborted(str(error))
                )
                self._path.write_bytes(text.encode("utf-8", "surrogateescape"))
                click.echo(
                    f"  somebody changed it meanwhile, nothing was overwritten; your text is kept in {self._path}",
                    err=True,
                )
                return ExitCode.CONFLICT
            self._remove()
            click.echo(f"{self._kind.word}/{safe(self._resource.metadata.slug)} {outcome}")
            return ExitCode.OK

    def _give_up(self, refusal: ManifestError) -> ExitCode:
        """The person saved the same text again: say what is wrong, and keep the text."""
        for problem in refusal.problems:
            click.echo(safe(str(problem)), err=True)
        click.echo(f"stigmer: nothing was stored; your text is kept in {self._path}", err=True)
        return ExitCode.BAD_INPUT

    def _remove(self) -> None:
        shutil.rmtree(self._path.parent)


def _header(kind: Kind) -> str:
    return (
        f"# yaml-language-server: $schema={kind.word}.json\n"
        f"# Save and leave to store it; leave it unchanged, or empty, to store nothing.\n"
        f"# Lines that begin with `{SAID.strip()}` say what is wrong with the line below; they are taken out by themselves.\n"
    )


def _without_said(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(SAID))


def _with_said(text: str, problems: tuple[Problem, ...]) -> str:
    """The text with what is wrong above the lines that it is about."""
    lines = text.splitlines(keepends=True)
    for problem in sorted(problems, key=lambda each: each.line, reverse=True):
        field = f" ({problem.field})" if problem.field else ""
        remedy = f": {problem.remedy}" if problem.remedy else ""
        lines.insert(max(0, problem.line - 1), f"{SAID}{safe(problem.what + field + remedy)}\n")
    return "".join(lines)


def _open_editor(path: Path) -> None:
    """Open the editor and wait; Ctrl+C meanwhile is the editor's. Fails with words where there is none, or it ends badly."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(wanted)
        code = subprocess.run([*words, str(path)], check=False).returncode
    except (OSError, ValueError) as error:
        raise click.ClickException(
            f"cannot run the editor {wanted!r}: set EDITOR to one; your text is in {path}"
        ) from error
    if code:
        raise click.ClickException(
            f"the editor {wanted!r} ended with {code}, nothing was stored; your text is in {path}"
        )

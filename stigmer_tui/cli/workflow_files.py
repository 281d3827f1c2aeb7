"""`stigmer workflow validate` and `graph`: workflow documents, without a daemon."""

from collections.abc import Sequence
from pathlib import Path

import click

from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.documents.sources import Source, read_sources
from stigmer_apis.workflow.checking import Checked, check
from stigmer_apis.workflow.graph_dot import graph_dot
from stigmer_apis.workflow.graph_svg import graph_svg
from stigmer_apis.workflow.graph_text import graph_text
from stigmer_apis.workflow.outline import heading
from stigmer_apis.workflow.reading import is_description, is_workflow_document, read_node
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.printing import as_it_is, to_json
from stigmer_tui.cli.sources import MOST_SHOWN, standard_input
from stigmer_tui.text import safe

FORMS = {"text": graph_text, "dot": graph_dot, "svg": graph_svg}


@click.command("validate")
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--strict", is_flag=True, help="A warning is an error too.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
def validate(files: tuple[str, ...], strict: bool, output: str) -> int:
    """Check workflow documents before anything runs: every mistake with its line and column, and how to mend it.

    FILES are files, directories, or - for standard input; documents of the workflow language (`document:`, `do:`) or descriptions of resources
    (`kind: Workflow`). No daemon is needed. Ends with 0, or with 65 where something is wrong.

    \b
    Examples:
      stigmer workflow validate examples/workflows/approval.yaml
      stigmer workflow validate examples/workflows --strict
    """
    try:
        checked = check_files(files)
    except ManifestError as error:
        checked = [Checked(None, error.problems)]
    errors = [problem for each in checked for problem in each.errors]
    warnings = [problem for each in checked for problem in each.warnings]
    code = ExitCode.BAD_INPUT if errors or (strict and warnings) else ExitCode.OK
    if output == "json":
        found = [_as_data(problem, "error") for problem in errors] + [
            _as_data(problem, "warning") for problem in warnings
        ]
        click.echo(to_json({"valid": code == ExitCode.OK, "problems": found}))
        return code
    for word, problems in (("", errors), ("warning: ", warnings)):
        for problem in problems[:MOST_SHOWN]:
            click.echo(f"{word}{safe(str(problem))}", err=True)
        if len(problems) > MOST_SHOWN:
            click.echo(f"and {len(problems) - MOST_SHOWN} more", err=True)
    if code is not ExitCode.OK:
        counted = [_counted(len(errors), "error")] * bool(errors) + [_counted(len(warnings), "warning")] * bool(
            warnings
        )
        click.echo(f"stigmer: {' and '.join(counted)}", err=True)
        return code
    for each in checked:
        if each.workflow is not None:
            click.echo(f"{safe(each.workflow.source)}: {safe(heading(each.workflow))} is valid")
    return code


@click.command("graph")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "-o", "--output", type=click.Choice(list(FORMS)), default="text", show_default=True, help="How to draw it."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
def graph(file: str, output: str, out: Path | None) -> int:
    """Draw a workflow document: as a tree, for Graphviz, or as a picture.

    \b
    Examples:
      stigmer workflow graph examples/workflows/approval.yaml
      stigmer workflow graph examples/workflows/approval.yaml -o svg --out approval.svg
    """
    try:
        checked = check_files([file])
    except ManifestError as error:
        checked = [Checked(None, error.problems)]
    for each in checked:
        for problem in each.errors[:MOST_SHOWN]:
            click.echo(safe(str(problem)), err=True)
    drawn = [each.workflow for each in checked if each.workflow is not None]
    if any(each.errors for each in checked):
        click.echo("stigmer: nothing was drawn: mend these first", err=True)
        return ExitCode.BAD_INPUT
    if len(drawn) > 1 and output == "svg":
        raise click.ClickException(f"{file} has {len(drawn)} documents, and a picture shows one: divide the file")
    text = "\n".join(FORMS[output](workflow) for workflow in drawn)
    if out is None:
        click.echo(as_it_is(text), nl=False)
        return ExitCode.OK
    try:
        out.write_text(text)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error
    click.echo(f"{safe(str(out))} written")
    return ExitCode.OK


def check_files(names: Sequence[str]) -> list[Checked]:
    """Every workflow of files, directories and `-`. Raises `ManifestError` for what cannot be read, and where there is none."""
    from stigmer_apis.documents.parsing import parse
    from stigmer_apis.workflow.limits import DEPTH

    checked: list[Checked] = []
    sources = read_sources(names, standard_input)
    for source, parsed in zip(sources, parse(sources, DEPTH), strict=True):
        problems = tuple(part for part in parsed if isinstance(part, Problem))
        if problems:
            checked.append(Checked(None, problems))
        nodes = [part for part in parsed if not isinstance(part, Problem)]
        described = [node for node in nodes if is_description(node)]
        if source.found:
            nodes = [node for node in nodes if is_workflow_document(node) or is_description(node)]
        if described and len(described) < len(nodes):
            what = "there are documents of the language and descriptions of resources in one file"
            checked.append(Checked(None, (Problem(source.name, 0, 0, what, remedy="divide the file"),)))
        elif described:
            checked.extend(_described(source))
        else:
            checked.extend(check(read_node(source.name, node)) for node in nodes)
    if not checked:
        what, remedy = "there is no workflow in it", "a workflow begins with `document:` and has its tasks below `do:`"
        raise ManifestError([Problem(", ".join(names), 0, 0, what, remedy=remedy)])
    return checked


def _described(source: Source) -> list[Checked]:
    """The workflows that a file of resources describes."""
    from stigmer_tui.manifests.kinds import WORKFLOW
    from stigmer_tui.manifests.reading import read_documents
    from stigmer_tui.manifests.workflows import check_spec

    try:
        documents = read_documents([source]).documents
    except ManifestError as error:
        return [Checked(None, error.problems)]
    return [
        check_spec(source.name, document.resource.workflow.spec, document.spots)
        for document in documents
        if document.kind is WORKFLOW
    ]


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _as_data(problem: Problem, severity: str) -> dict[str, object]:
    return {
        "severity": severity,
        "source": problem.source,
        "line": problem.line,
        "column": problem.column,
        "what": problem.what,
        "field": problem.field,
        "remedy": problem.remedy,
    }

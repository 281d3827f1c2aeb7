"""`run`: containers, scripts, shell commands, other workflows."""

from stigmer_apis.workflow.fields import Fields
from stigmer_apis.workflow.model import RunProcess, RunWorkflow, Work
from stigmer_apis.workflow.parts import resource_of

_KINDS = ("container", "script", "shell", "workflow")


def run(fields: Fields) -> Work | None:
    """The work of a task with `run`."""
    return fields.below("run", _run, required=True)


def _run(fields: Fields) -> Work | None:
    kinds = [kind for kind in _KINDS if fields.has(kind)]
    waits = fields.flag("await", True)
    fields.text("return", one_of=("stdout", "stderr", "code", "all", "none"))
    fields.done()
    if len(kinds) != 1:
        fields.notes.wrong(
            fields.node.place,
            "this says nothing to run" if not kinds else f"{' and '.join(kinds)} exclude each other",
            fields.path,
            f"write exactly one of {', '.join(_KINDS)}",
        )
        return None
    match kinds[0]:
        case "container":
            return fields.below("container", _container)
        case "script":
            return fields.below("script", _script)
        case "shell":
            return fields.below("shell", _shell)
        case _:
            return fields.below("workflow", lambda below: _workflow(below, waits))


def _container(fields: Fields) -> RunProcess:
    image = fields.text("image", required=True)
    for key in ("name", "command", "stdin"):
        fields.text(key)
    fields.text("pullPolicy", one_of=("always", "never", "ifNotPresent"))
    for key in ("ports", "volumes", "environment"):
        fields.mapping(key)
    fields.anything("arguments")

    def lifetime(below: Fields) -> None:
        below.text("cleanup", required=True, one_of=("always", "never", "eventually"))
        below.span("after")
        below.done()

    fields.below("lifetime", lifetime)
    fields.done()
    return RunProcess("container", image, fields.node)


def _script(fields: Fields) -> RunProcess:
    language = fields.text("language", required=True, remedy="such as python or js")
    code, source = fields.text("code"), resource_of(fields, "source")
    if (code is None) == (source is None) and not (fields.has("code") and source is None):
        fields.notes.wrong(
            fields.node.place,
            "a script is either here, as `code`, or elsewhere, as `source`",
            fields.path,
            "keep exactly one of the two",
        )
    fields.text("stdin")
    fields.anything("arguments")
    fields.mapping("environment")
    fields.done()
    return RunProcess("script", language, fields.node)


def _shell(fields: Fields) -> RunProcess:
    command = fields.text("command", required=True)
    fields.text("stdin")
    fields.anything("arguments")
    fields.mapping("environment")
    fields.done()
    return RunProcess("shell", command, fields.node)


def _workflow(fields: Fields, waits: bool) -> RunWorkflow:
    found = RunWorkflow(
        fields.text("namespace"),
        fields.text("name", required=True, remedy="such as one of `stigmer workflow list`"),
        fields.text("version"),
        fields.anything("input"),
        waits,
    )
    fields.done()
    return found

"""Text as a checked workflow document."""

from pathlib import Path

from stigmer_apis.documents.sources import Source
from stigmer_apis.workflow.checking import Checked, check_sources
from stigmer_apis.workflow.model import Workflow

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "workflows").glob("*.yaml"))

HEAD = """\
document:
  dsl: 1.0.0
  namespace: tests
  name: tried
  version: 1.0.0
"""
"""Five lines: what a test writes begins in line 6."""


def checked(text: str, form: str = "yaml") -> Checked:
    """What is found in a whole document."""
    (only,) = check_sources([Source("f.yaml", text.encode(), form)])
    return only


def workflows_of(path: Path) -> list[Checked]:
    """What is found in each document of a file."""
    return check_sources([Source(path.name, path.read_bytes(), "yaml")])


def errors(body: str) -> list[str]:
    """What is wrong in a document that goes on after its head, one thing a line."""
    return [str(problem) for problem in checked(HEAD + body).errors]


def warnings(body: str) -> list[str]:
    """What is probably not meant, in a document without errors."""
    found = checked(HEAD + body)
    assert not found.errors, found.errors
    return [str(problem) for problem in found.warnings]


def workflow(body: str) -> Workflow:
    """A document without errors."""
    found = checked(HEAD + body)
    assert not found.errors, found.errors
    assert found.workflow is not None
    return found.workflow

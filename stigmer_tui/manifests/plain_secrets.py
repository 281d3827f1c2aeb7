"""What in a file looks like a secret and would not be guarded as one: worth a word, and no error."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stigmer_apis.documents.problems import Problem
from stigmer_tui.manifests.reading import Document

_LIKE_A_SECRET: Final = re.compile(
    r"token|secret|passw|api[-_]?key|private[-_]?key|authorization|credential|cookie", re.IGNORECASE
)
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]+\}|\{\{[^}]+\}\}")
_KEPT: Final = "`stigmer secrets set NAME --environment ENVIRONMENT` keeps one sealed"


def plain_secrets(document: Document) -> Iterator[Problem]:
    """Each such value of the document, with its place. The value itself is not repeated."""
    spec: Any = getattr(document.resource, document.kind.field).spec
    match document.kind.name:
        case "Environment":
            yield from _marked(document, spec.data, "spec.data")
        case "McpServer":
            for path, values in _maps(spec, "spec"):
                yield from _plain(document, path, values)
            yield from _marked(document, spec.env_spec.data, "spec.env_spec.data")
        case "Agent":
            for number, server in enumerate(spec.mcp_servers):
                for path, values in _maps(server, f"spec.mcp_servers[{number}]"):
                    yield from _plain(document, path, values)
        case _:
            pass


def _maps(server: Any, path: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The variables, headers and query of a server."""
    match server.WhichOneof("server_type"):
        case "stdio":
            yield f"{path}.stdio.env_placeholders", getattr(server.stdio, "env_placeholders", {})
        case "docker":
            yield f"{path}.docker.env_placeholders", getattr(server.docker, "env_placeholders", {})
        case "http":
            yield f"{path}.http.headers", server.http.headers
            yield f"{path}.http.query_params", server.http.query_params
        case _:
            pass


def _marked(document: Document, values: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Values that could be marked as secrets, and are not."""
    for name, value in sorted(values.items()):
        if not value.is_secret and value.value and _LIKE_A_SECRET.search(name):
            yield document.problem(
                f"{path}[{name!r}]",
                "this is stored and shown as it stands, and is called like a secret",
                "set `isSecret: true`",
            )


def _plain(document: Document, path: str, values: Mapping[str, str]) -> Iterator[Problem]:
    for name, value in sorted(values.items()):
        if value and _LIKE_A_SECRET.search(name) and not _PLACEHOLDER.search(value):
            yield document.problem(
                f"{path}[{name!r}]",
                "this is stored and shown as it stands, and is called like a secret",
                f"write `${{NAME}}`, which is filled in from the run's environment; {_KEPT}",
            )

"""What lies elsewhere and a task needs: descriptions of interfaces, sources of scripts, schemas."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

import httpx2

from stigmer_runner.durable.workflow_messages import RESOURCE
from stigmer_runner.tools.files.beneath import Beneath, PathRefused
from stigmer_runner.workflow.activities import Asked, QuietWork
from stigmer_runner.workflow.http import endpoint_of
from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.web import Outgoing, exchange, refused, url_of

LARGEST = 16 * 1024 * 1024
"""Bytes of a resource."""
_SECONDS = 60.0


class Resources:
    """Reads them: by HTTP, or files below the workspace of the run."""

    def __init__(self, reach: Reach, proofs: Proofs, workspace: Path, hidden: tuple[Path, ...]) -> None:
        self._reach = reach
        self._proofs = proofs
        self._workspace = workspace
        self._hidden = hidden

    async def read(self, resource: Mapping[str, object]) -> bytes:
        """What `resource` (`endpoint`, perhaps with an authentication) holds. Raises `TaskProblem`."""
        uri = endpoint_of(resource)
        if uri.partition(":")[0].lower() in ("http", "https"):
            data = await self._fetched(uri, resource)
        else:
            data = await asyncio.to_thread(self._file, uri)
        if len(data) > LARGEST:
            raise TaskProblem(Kind.CONFIGURATION, f"{uri[:200]} has more than {LARGEST // 2**20} MiB")
        return data

    async def text(self, resource: Mapping[str, object]) -> str:
        """The same as text. Raises `TaskProblem`."""
        try:
            return (await self.read(resource)).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise TaskProblem(Kind.CONFIGURATION, f"{endpoint_of(resource)[:200]} is no text in UTF-8") from error

    async def _fetched(self, uri: str, resource: Mapping[str, object]) -> bytes:
        endpoint = resource.get("endpoint")
        given = cast("dict[str, object]", endpoint).get("authentication") if isinstance(endpoint, dict) else None
        proof = cast("dict[str, object]", given) if isinstance(given, dict) else {}
        auth = await self._proofs.of(proof)
        request = Outgoing("GET", url_of(uri), httpx2.Headers({"User-Agent": "stigmer"}), b"", auth, True, _SECONDS)
        answer = await exchange(self._reach, request)
        problem = refused(answer, redirects=False)
        if problem is not None:
            raise problem
        return answer.body

    def _file(self, uri: str) -> bytes:
        parts = urlsplit(uri)
        if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
            raise TaskProblem(
                Kind.CONFIGURATION,
                f"{uri[:200]!r} cannot be read",
                "name an https:// address or a file of the workspace",
            )
        path = unquote(parts.path)
        try:
            with (
                Beneath(self._workspace.resolve(), self._hidden).opened(path) as descriptor,
                os.fdopen(os.dup(descriptor), "rb") as file,
            ):
                return file.read(LARGEST + 1)
        except (PathRefused, OSError) as error:
            words = str(error) if isinstance(error, PathRefused) else error.strerror or str(error)
            raise TaskProblem(Kind.CONFIGURATION, f"the file {path[:200]!r} cannot be read", words) from error


class ReadResource(QuietWork):
    """Reads what a resource holds; the output is its text."""

    name = RESOURCE

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        return await self._resources.text(asked.arguments)

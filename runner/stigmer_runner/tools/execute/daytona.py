"""A sandbox of Daytona: commands go there over HTTP, and nothing of them runs here.

Its `process/execute` gives one output and no more than an exit code, so what is sent is a script that keeps the two outputs apart, ends
everything when the time is up, and answers in lines of its own.
"""

import asyncio
import base64
import contextlib
import re
import shlex
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import cast

import httpx2

from stigmer_runner.finishing import uninterrupted
from stigmer_runner.sandbox import SpawnFailed
from stigmer_runner.tools.shell.executing import TIMED_OUT, ExecutionResult, remark_of

API_URL = "https://app.daytona.io/api"
MARKER = "STIGMER_EXEC_ID"
GRACE = 30.0
"""Seconds that an answer may take beyond the command's own time."""
STARTING = 120.0
"""Seconds that a new sandbox may take to start."""
_TRANSFER = 300.0
"""Seconds that a file may take."""
_ROUND = 0.5

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ANSWER = re.compile(
    rb"^STIGMER (\d{1,3}) ([01]) (\d+) (\d+)\r?\n([A-Za-z0-9+/=]*)\r?\n([A-Za-z0-9+/=]*)\s*\Z", re.MULTILINE
)

END_ALL = r"""
end_all() {
  for process in /proc/[0-9]*; do
    tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -qxF "$marker" && kill -KILL "${process#/proc/}" 2>/dev/null
  done
}
"""

_SCRIPT = rf"""
marker={MARKER}=%(marker)s
{END_ALL}
kept=$(mktemp -d) || exit 125
cd %(directory)s || exit 125
printf %%s '%(command)s' | base64 -d >"$kept/command"
env "$marker" setsid sh "$kept/command" </dev/null >"$kept/out" 2>"$kept/err" &
child=$!
if [ %(tenths)d -gt 0 ]; then
  (
    count=0
    while [ $count -lt %(tenths)d ]; do
      sleep 0.1
      kill -0 $child 2>/dev/null || exit
      count=$((count + 1))
    done
    : >"$kept/late"
    end_all
  ) >/dev/null 2>&1 &
fi
wait $child
code=$?
end_all
late=0
[ -e "$kept/late" ] && late=1
printf 'STIGMER %%d %%d %%d %%d\n' $code $late $(wc -c <"$kept/out") $(wc -c <"$kept/err")
head -c %(limit)d "$kept/out" | base64 | tr -d '\n'
echo
head -c %(limit)d "$kept/err" | base64 | tr -d '\n'
echo
rm -rf "$kept"
"""


@dataclass(frozen=True)
class DaytonaAccount:
    """Whom to ask, and as whom."""

    key: str = field(repr=False)
    url: str = API_URL
    target: str = ""
    """The region; empty: Daytona's choice."""


@dataclass(frozen=True)
class DaytonaPlace:
    """Where the commands run."""

    sandbox_id: str
    directory: str
    """The workspace in there, absolute."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


class DaytonaExecutor:
    """See `Executes`."""

    def __init__(
        self, client: "DaytonaClient", place: DaytonaPlace, marker_prefix: str, output_limit: int = 4 * 1024 * 1024
    ) -> None:
        self._client = client
        self._place = place
        self._marker_prefix = marker_prefix
        self._output_limit = output_limit
        self._number = 0

    async def execute(self, command: str, timeout: float | None = None) -> ExecutionResult:
        """See `Executes.execute`."""
        self._number += 1
        marker = f"{self._marker_prefix}-{self._number}"
        given = (
            f"export {name}={shlex.quote(value)}\n"
            for name, value in self._place.environment.items()
            if _NAME.match(name)
        )
        script = _SCRIPT % {
            "marker": shlex.quote(marker),
            "directory": shlex.quote(self._place.directory),
            "command": _base64(f"{''.join(given)}{command}\n"),
            "tenths": 0 if timeout is None else max(1, round(timeout * 10)),
            "limit": self._output_limit,
        }
        try:
            said = await self._client.run(self._place.sandbox_id, script, timeout)
        except asyncio.CancelledError:
            await uninterrupted(self._end(marker))
            raise
        return self._result(said, timeout)

    def _result(self, said: str, timeout: float | None) -> ExecutionResult:
        answer = _ANSWER.search(said.encode("utf-8", "replace"))
        if answer is None:
            raise SpawnFailed(f"Daytona's sandbox did not run the command: {said.strip()[-500:] or 'it said nothing'}")
        code, late, out_bytes, err_bytes = (int(answer[number]) for number in range(1, 5))
        limit = self._output_limit
        return ExecutionResult(
            exit_code=TIMED_OUT if late else code,
            stdout=base64.b64decode(answer[5]).decode("utf-8", "replace"),
            stderr=base64.b64decode(answer[6]).decode("utf-8", "replace"),
            timed_out=bool(late),
            remark=remark_of(timeout if late else None, "", truncated=out_bytes > limit or err_bytes > limit),
        )

    async def _end(self, marker: str) -> None:
        """End what carries `marker`; where even that cannot be asked, its time ends it."""
        with contextlib.suppress(SpawnFailed):
            await self._client.run(
                self._place.sandbox_id, f"marker={MARKER}={shlex.quote(marker)}\n{END_ALL}end_all\n", GRACE
            )


class DaytonaClient:
    """The few calls of Daytona's API that are needed. Every method raises `SpawnFailed`, which says what to do. A redirect is followed nowhere."""

    def __init__(self, account: DaytonaAccount, http: httpx2.AsyncClient) -> None:
        self._account = account
        self._http = http

    async def run(self, sandbox_id: str, script: str, timeout: float | None) -> str:
        """Run a script of `sh` and return what it says."""
        question: dict[str, object] = {"command": f"echo {_base64(script)} | base64 -d | sh"}
        patience = None if timeout is None else timeout + GRACE
        if patience is not None:
            question["timeout"] = round(patience)
        answer = await self._asked("POST", f"/toolbox/{sandbox_id}/toolbox/process/execute", question, patience)
        said = answer.get("result")
        if not isinstance(said, str):
            raise SpawnFailed("Daytona answered without a result: it may be of another version")
        return said

    async def upload(self, sandbox_id: str, path: str, content: bytes) -> None:
        """Write a file there; `path` is absolute."""
        await self._answered(
            "POST",
            f"/toolbox/{sandbox_id}/toolbox/files/upload",
            _TRANSFER,
            params={"path": path},
            files={"file": ("file", content, "application/octet-stream")},
        )

    async def download(self, sandbox_id: str, path: str) -> bytes:
        """Read a file there, whole."""
        where = f"/toolbox/{sandbox_id}/toolbox/files/download"
        return (await self._answered("GET", where, _TRANSFER, params={"path": path})).content

    @contextlib.asynccontextmanager
    async def sandbox(self, *, network: bool = True) -> AsyncGenerator[str]:
        """A new sandbox, started, with or without the network; it is deleted in the end."""
        question: dict[str, object] = {"target": self._account.target} if self._account.target else {}
        if not network:
            question["networkBlockAll"] = True
        answer = await self._asked("POST", "/sandbox", question, GRACE)
        sandbox_id = answer.get("id")
        if not isinstance(sandbox_id, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", sandbox_id):
            raise SpawnFailed("Daytona made a sandbox and did not say which: it may be of another version")
        try:
            await self._started(sandbox_id, answer)
            yield sandbox_id
        finally:
            await uninterrupted(self._deleted(sandbox_id))

    async def _started(self, sandbox_id: str, answer: Mapping[str, object]) -> None:
        try:
            async with asyncio.timeout(STARTING):
                while answer.get("state") != "started":
                    if answer.get("state") in ("error", "build_failed", "destroyed"):
                        raise SpawnFailed(
                            f"Daytona's sandbox did not start: {str(answer.get('errorReason', ''))[:300]}"
                        )
                    await asyncio.sleep(_ROUND)
                    answer = await self._asked("GET", f"/sandbox/{sandbox_id}", None, GRACE)
        except TimeoutError as error:
            raise SpawnFailed(f"Daytona's sandbox did not start within {STARTING:g} seconds") from error

    async def _deleted(self, sandbox_id: str) -> None:
        with contextlib.suppress(SpawnFailed):
            await self._asked("DELETE", f"/sandbox/{sandbox_id}", None, GRACE)

    async def _asked(
        self, method: str, path: str, question: Mapping[str, object] | None, patience: float | None
    ) -> dict[str, object]:
        response = await self._answered(method, path, patience, json=question)
        if not response.content:
            return {}
        try:
            answer = cast(object, response.json())
        except ValueError as error:
            raise SpawnFailed("Daytona answered something else than JSON: look at DAYTONA_API_URL") from error
        return cast("dict[str, object]", answer) if isinstance(answer, dict) else {}

    async def _answered(
        self,
        method: str,
        path: str,
        patience: float | None,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
    ) -> httpx2.Response:
        try:
            response = await self._http.request(
                method,
                f"{self._account.url.rstrip('/')}{path}",
                json=json,
                params=params,
                files=files,
                headers={"Authorization": f"Bearer {self._account.key}"},
                timeout=patience,
                follow_redirects=False,
            )
        except httpx2.HTTPError as error:
            raise SpawnFailed(
                f"Daytona cannot be reached at {self._account.url} ({error or type(error).__name__}): look at DAYTONA_API_URL"
            ) from error
        if response.status_code in (401, 403):
            raise SpawnFailed("Daytona does not take the key: set DAYTONA_API_KEY to one that it gave you")
        if response.status_code == 404:
            raise SpawnFailed(f"Daytona does not know {path}: the sandbox may have been deleted")
        if response.is_error or response.is_redirect:
            raise SpawnFailed(f"Daytona answered {response.status_code}: {response.text[:300]}")
        return response


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")

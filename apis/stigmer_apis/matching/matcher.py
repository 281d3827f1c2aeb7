"""Asks a process of its own for the lines that match."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from stigmer_apis.errors import InvalidArgument
from stigmer_apis.matching.pattern import LONGEST_PATTERN, Pattern

PATIENCE_SECONDS = 20.0
"""For an answer on a busy machine; the process ends itself after a second of its own time."""
LONGEST_FRAME = 1 << 20
"""Bytes asked about at once, about."""
_CHILD = Path(__file__).with_name("child.py")
_TOO_SLOW = "this expression takes too long"
_SIMPLER = "write a simpler one: nested repetitions such as (a+)+ take time without end"


@dataclass(frozen=True, slots=True)
class Found:
    """A line that matches."""

    offset: int
    """The byte at which it begins."""
    spans: tuple[tuple[int, int], ...]
    """Its matches, in characters of the line without a terminal's codes: start, and end."""


class Matcher:
    """Looks for one pattern. `async with`; one question at a time, further ones wait."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Start. Raises `InvalidArgument` for what is no expression, with the place, and for one that is too long."""
        if len(self.pattern.text) > LONGEST_PATTERN:
            raise InvalidArgument(f"an expression has at most {LONGEST_PATTERN} characters")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_CHILD),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            asked = {"expression": self.pattern.expression, "exact": self.pattern.exact}
            answer = cast("dict[str, str | int]", await self._ask(json.dumps(asked).encode()))
        except BaseException:
            await self.close()
            raise
        if answer:
            await self.close()
            position = int(answer["position"])
            where = f" at character {position + 1}" if position >= 0 else ""
            raise InvalidArgument(f"the expression is wrong{where}: {answer['error']}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        await self.close()

    async def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def lines(self, data: bytes) -> list[Found]:
        """The lines of `data` that match, about `LONGEST_FRAME` bytes at most. Raises `InvalidArgument` where that takes too long."""
        if not data:
            return []
        answer = cast("list[tuple[int, list[tuple[int, int]]]]", await self._ask(data))
        return [Found(offset, tuple((start, end) for start, end in spans)) for offset, spans in answer]

    async def spans(self, texts: Sequence[str]) -> list[tuple[tuple[int, int], ...]]:
        """The matches in each of some texts without line breaks."""
        found = await self.lines("\n".join(texts).encode("utf-8", "replace"))
        by_offset = {each.offset: each.spans for each in found}
        offset = 0
        answer: list[tuple[tuple[int, int], ...]] = []
        for text in texts:
            answer.append(by_offset.get(offset, ()))
            offset += len(text.encode("utf-8", "replace")) + 1
        return answer

    async def _ask(self, body: bytes) -> object:
        async with self._turn:
            process = self._process
            if process is None or process.stdin is None or process.stdout is None:
                raise InvalidArgument(_TOO_SLOW, remedy=_SIMPLER)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    process.stdin.write(len(body).to_bytes(4, "big") + body)
                    await process.stdin.drain()
                    size = int.from_bytes(await process.stdout.readexactly(4), "big")
                    return json.loads(await process.stdout.readexactly(size))
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
                await self.close()
                raise InvalidArgument(_TOO_SLOW, remedy=_SIMPLER) from error

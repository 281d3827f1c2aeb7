"""Work on what others wrote, in a process of its own that can be killed: no environment, a limit on time, memory and output."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from typing import cast

from stigmer_runner.finishing import uninterrupted
from stigmer_runner.tools.child import OUTPUT_BYTES
from stigmer_runner.tools.interface import ToolError

MEMORY_BYTES = 1024 * 1024 * 1024


async def ask_child(
    module: str,
    question: Mapping[str, object],
    what: str,
    *,
    seconds: float,
    descriptors: Sequence[int] = (),
    memory: int = MEMORY_BYTES,
) -> dict[str, object]:
    """What `python -m module` answers to `question`, both JSON objects; `descriptors` stay open under their numbers.

    Raises `ToolError`, which names `what`, where it takes longer, needs more memory, or dies.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        module,
        str(int(seconds) + 1),
        str(memory),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=tuple(descriptors),
        env={"LC_ALL": "C.UTF-8"},
        limit=OUTPUT_BYTES,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await child.communicate(json.dumps(question).encode())
    except TimeoutError as error:
        raise ToolError(f"{what} took longer than {seconds:g} seconds and was stopped: ask for less") from error
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await uninterrupted(child.communicate())
    return _answer(out, err, child.returncode, what)


def _answer(out: bytes, err: bytes, code: int | None, what: str) -> dict[str, object]:
    try:
        answer = cast(object, json.loads(out))
    except ValueError:
        answer = None
    if code == 0 and isinstance(answer, dict):
        return cast("dict[str, object]", answer)
    last = err.decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
    if "MemoryError" in last or "recursion" in last:
        raise ToolError(f"{what} needs more memory than it may have: ask for less")
    raise ToolError(f"{what} failed: {last or f'it ended with {code}'}")

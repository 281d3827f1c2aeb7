"""The child's side of `killable`. Imports nothing of Stigmer: it is started anew for each question."""

import json
import resource
import sys
from collections.abc import Callable
from typing import cast

OUTPUT_BYTES = 16 * 1024 * 1024
"""Of an answer."""


def serve(answer: Callable[[dict[str, object]], dict[str, object]], *, file_size: int = 0) -> None:
    """Limits first, then one question and its answer. Arguments of the process: seconds of processor time, bytes of memory.

    `file_size`: bytes of one file that it writes."""
    seconds, memory = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    question = cast("dict[str, object]", json.loads(sys.stdin.buffer.read()))
    said = json.dumps(answer(question)).encode()
    if len(said) > OUTPUT_BYTES:
        raise MemoryError("the answer is too long")
    sys.stdout.buffer.write(said)
    sys.stdout.buffer.flush()

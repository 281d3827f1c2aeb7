"""A program that is to the supervisor what a runner is: it takes its token from standard input, connects, and leaves when told to.

How it behaves stands in the file `behaviour` in the home, so that nothing passes through its environment: words of `silent` (never connects),
`once` (connects, but not again), `stubborn` (does not leave when asked, and not on SIGTERM), `dies` (ends with code 3 at once).
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

SOCKET = "presence.sock"


async def main(home: Path, runner_id: str) -> None:
    token = sys.stdin.readline().strip()
    rest = sys.stdin.read()
    behaviour = (home / "behaviour").read_text().split() if (home / "behaviour").exists() else []
    facts = {
        "environment": dict(os.environ),
        "rest": rest,
        "session": os.getsid(0),
        "pid": os.getpid(),
        "token": len(token),
    }
    beside = home / f".{runner_id}.tmp"
    beside.write_text(json.dumps(facts))
    beside.replace(home / f"{runner_id}.json")
    print(f"{runner_id} is here", flush=True)
    if "dies" in behaviour:
        sys.exit(3)
    if "stubborn" in behaviour:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connected = 0
    while True:
        if "silent" not in behaviour and not ("once" in behaviour and connected):
            with suppress(OSError):
                connected += 1
                await _be_present(home, runner_id, token, leaves="stubborn" not in behaviour)
        await asyncio.sleep(0.02)


async def _be_present(home: Path, runner_id: str, token: str, *, leaves: bool) -> None:
    reader, writer = await asyncio.open_unix_connection(home / SOCKET)
    try:
        writer.write(f"{runner_id} {token}\n".encode())
        while line := await reader.readline():
            if line == b"leave\n" and leaves:
                sys.exit(0)
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

"""`python -m stigmer_runner.models.scripted SCRIPT [PORT]`: serves the script until it is interrupted; its URL is the first line."""

import asyncio
import sys
from pathlib import Path

from stigmer_runner.models.scripted.reading import ScriptRefused, read_script
from stigmer_runner.models.scripted.server import ScriptedProvider


async def serve(script: Path, port: int) -> None:
    """Until cancelled."""
    async with ScriptedProvider(read_script(script), port=port, record=False) as provider:
        sys.stdout.write(f"{provider.url}\n")
        sys.stdout.flush()
        await provider.serve_forever()


def main(arguments: list[str]) -> int:
    """The exit code: 0 interrupted, 1 the script or the port cannot be used, 2 wrong arguments."""
    if len(arguments) not in (1, 2) or (len(arguments) == 2 and not arguments[1].isdecimal()):
        sys.stderr.write("usage: python -m stigmer_runner.models.scripted SCRIPT [PORT]\n")
        return 2
    try:
        asyncio.run(serve(Path(arguments[0]), int(arguments[1]) if len(arguments) == 2 else 0))
    except KeyboardInterrupt:
        return 0
    except (ScriptRefused, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

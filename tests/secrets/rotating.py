"""`python -m tests.secrets.rotating ROOT PASSPHRASE STEP WHICH`: a rotation that is killed before its WHICHth step of this name.

Prints the name of each step that it came to.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.secrets.parts import ladder, open_vault


async def main() -> None:
    """Rotate until the kill."""
    root, passphrase, wanted, which = Path(sys.argv[1]), sys.argv[2].encode(), sys.argv[3], int(sys.argv[4])
    seen = 0

    async def on_step(name: str) -> None:
        nonlocal seen
        print(name, flush=True)
        seen += name == wanted
        if name == wanted and seen == which:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_vault(root, ladder(root, passphrase=passphrase), on_step) as one:
        await one.vault.rotate()


asyncio.run(main())

"""Takes the picture in the README from a real run: a daemon, a runner and the app, in a home of their own.

`python docs/pictures/take.py` writes `docs/pictures/workstation.svg`.
"""

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

from stigmer_apis.client import Client
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp

PICTURE = Path(__file__).with_name("workstation.svg")
SIZE = (144, 26)
BUILD = r"""#!/bin/sh
for part in lexer parser writer; do
  printf 'compiling \033[36m%s.c\033[0m ... ' $part; sleep 0.3; printf '\033[32mok\033[0m\n'
done
printf '\033[1m12 passed\033[0m, \033[33m1 warning\033[0m\n'
"""
NAMES = {" ": "space", "/": "slash", ".": "full_stop", ";": "semicolon"}
LINES = ("./build.sh", "exit 3", "echo serving; exec sleep 60")


async def take(home: Home, workspace: Path) -> str:
    """Type command lines into the app, as a person does, and return what it shows while the last one runs."""
    app = StigmerApp(home, workspace=workspace)
    async with app.run_test(size=SIZE) as pilot:
        await app.client()
        for number, line in enumerate(LINES):
            for key in line:
                await pilot.press(NAMES.get(key, key))
            await pilot.press("enter")
            await pilot.pause(4.0 if number == 0 else 1.5)
        picture = app.export_screenshot(title="stigmer tui")
    async with Client(home) as client:
        await client.shutdown()
    return picture


def without_hosts(picture: str) -> str:
    """The picture without the addresses that its fonts could be fetched from: the reader's own are used."""
    return re.sub(r',\s*url\("[^"]*"\)\s*format\("[^"]*"\)', "", picture)


def main() -> None:
    """Take the picture and leave nothing else behind."""
    directory = Path(tempfile.mkdtemp(prefix="stg-"))
    workspace = directory / "project"
    workspace.mkdir()
    (workspace / "build.sh").write_text(BUILD, encoding="utf-8")
    (workspace / "build.sh").chmod(0o755)
    try:
        picture = asyncio.run(take(Home.at(directory / "home", {}), workspace))
        PICTURE.write_text(without_hosts(picture.replace(str(workspace), "~/project")), encoding="utf-8")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()

"""Takes the pictures of the README and of the workstation's page from real runs: a daemon, a runner and the app, in a home of their own.

`make pictures` writes them into `docs/pictures`.
"""

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

from stigmer_apis.client import Client
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp

SIZE = (144, 26)
BUILD = r"""#!/bin/sh
for part in lexer parser writer; do
  printf 'compiling \033[36m%s.c\033[0m ... ' $part; sleep 0.3; printf '\033[32mok\033[0m\n'
done
printf '\033[1m12 passed\033[0m, \033[33m1 warning\033[0m\n'
"""
NAMES = {" ": "space", "/": "slash", ".": "full_stop", ";": "semicolon"}
LINES = ("./build.sh", "exit 3", "echo serving; exec sleep 60")


Pictures = dict[str, str]
"""By the name of their file."""


async def take(home: Home, workspace: Path) -> Pictures:
    """Type command lines into the app, as a person does, and take pictures on the way: of the run, of what is found in it, of its past, of the list."""
    app = StigmerApp(home, workspace=workspace)
    pictures: Pictures = {}
    async with app.run_test(size=SIZE) as pilot:

        async def press(*keys: str, wait: float = 1.5) -> None:
            for key in keys:
                await pilot.press(key)
            await pilot.pause(wait)

        def picture(name: str) -> None:
            pictures[name] = app.export_screenshot(title="stigmer tui")

        await app.client()
        for number, line in enumerate(LINES):
            await press(*(NAMES.get(key, key) for key in line), "enter", wait=4.0 if number == 0 else 1.5)
        picture("workstation.svg")
        await press("escape", "slash", *"passed", "enter")
        picture("tour-search.svg")
        await press("escape", "ctrl+t", "home", "space", wait=2.0)
        picture("tour-time.svg")
        await press("escape", wait=0.5)
        await press("x", "x", wait=2.0)
        app.run_written("runs")
        await pilot.pause(1.0)
        picture("tour-board.svg")
        await press("alt+d", wait=2.0)
        await press("alt+i")
        picture("tour-beside.svg")
        await press("alt+d")
        app.run_written("settings")
        await pilot.pause(2.0)
        picture("tour-settings.svg")
    async with Client(home) as client:
        await client.shutdown()
    return pictures


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
        pictures = asyncio.run(take(Home.at(directory / "home", {}), workspace))
        for name, picture in pictures.items():
            shown = picture.replace(str(workspace), "~/project").replace(str(directory), "~")
            Path(__file__).with_name(name).write_text(without_hosts(shown), encoding="utf-8")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()

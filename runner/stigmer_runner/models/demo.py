"""The demonstration: a session that was written beforehand, on a project of its own, with real tools. Needs no key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import yaml

from stigmer_runner.models.scripted import Script, read_script

SCRIPT: Final = Path(__file__).with_name("demo.yaml")
"""What the scripted provider says; also as a file for `python -m stigmer_runner.models.scripted`."""
MESSAGE: Final = "The tests of this project fail. Find out why, mend it, and show me that they pass."
"""What the person says, for them."""
_PROJECT: Final = Path(__file__).with_name("demo_project.yaml")


def demo_script() -> Script:
    """What is said."""
    return read_script(SCRIPT)


def write_project(directory: Path) -> None:
    """Writes the project into `directory`, which is made where it is missing. Raises FileExistsError over a file that is there."""
    directory.mkdir(parents=True, exist_ok=True)
    document = cast(Mapping[str, Mapping[str, str]], yaml.safe_load(_PROJECT.read_text(encoding="utf-8")))
    for name, text in document["files"].items():
        with (directory / name).open("x", encoding="utf-8") as file:
            file.write(text)

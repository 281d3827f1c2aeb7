"""The program that looks at stores and puts backups in their place: it knows the files, this side knows the person."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from stigmer_apis.config import load
from stigmer_apis.errors import AlreadyExists, FailedPrecondition, Internal, InvalidArgument, NotFound, StigmerError
from stigmer_apis.home import Home

_KINDS: Mapping[str, type[StigmerError]] = {
    "not_found": NotFound,
    "exists": AlreadyExists,
    "damaged": InvalidArgument,
    "in_use": FailedPrecondition,
    "state": FailedPrecondition,
    "disk": FailedPrecondition,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What it said."""

    problems: list[tuple[str, str]]
    """Files with what is wrong with each."""
    done: Mapping[str, object]
    """What it did; see `stigmer_backend.maintenance`."""

    def number(self, name: str) -> int:
        """A number of `done`; 0 where there is none."""
        found = self.done.get(name)
        return found if isinstance(found, int) else 0

    def text(self, name: str) -> str:
        """A text of `done`; "" where there is none."""
        return str(self.done.get(name) or "")


def data_of(home: Home) -> Path:
    """Where the store of `home` is. Raises `ConfigError` and `HomeError`."""
    return home.with_data(load(home).settings.backend.local.data_dir).data


def maintain(*arguments: str | Path) -> Outcome:
    """Run it to its end. Blocking. Raises what it says that went wrong."""
    ran = subprocess.run(
        [sys.executable, "-m", "stigmer_backend.maintenance", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    problems: list[tuple[str, str]] = []
    for line in ran.stdout.decode("utf-8", "replace").splitlines():
        said = cast("dict[str, object]", json.loads(line))
        if "error" in said:
            kind = _KINDS.get(str(said["error"]), Internal)
            raise kind(str(said["message"]), remedy=str(said["remedy"]))
        if "done" in said:
            return Outcome(problems, cast("dict[str, object]", said["done"]))
        problems.append((str(said["path"]), str(said["problem"])))
    raise Internal(f"the program that looks at stores ended with {ran.returncode}", remedy="it said above why")

"""Where descriptions come from: files, directories, standard input."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis.documents import limits
from stigmer_apis.documents.problems import ManifestError, Problem

STANDARD_INPUT = "-"
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Source:
    """Text that describes resources, or should."""

    name: str
    """As the person knows it."""
    data: bytes
    form: str
    """`yaml`, `json`, or `either` where nothing tells."""
    found: bool = False
    """It lay in a directory that was named: what describes nothing of Stigmer's is passed over there."""


def read_sources(names: Sequence[str], standard_input: Callable[[int], bytes]) -> list[Source]:
    """The sources that `names` mean: files, directories (their `.yaml`, `.yml` and `.json` files, not those below), `-`.

    `standard_input` reads so many bytes of it at most. A file that is named twice is read once. Raises `ManifestError` with everything that cannot be
    read, or is too large.
    """
    problems: list[Problem] = []
    sources: dict[str, Source] = {}
    total = 0
    for name, path, found in _paths(names, problems):
        key = name if path is None else os.path.realpath(path)
        if key in sources:
            continue
        try:
            data = standard_input(limits.SOURCE_BYTES + 1) if path is None else _read(path)
        except OSError as error:
            problems.append(Problem(name, 0, 0, f"cannot be read: {error.strerror}"))
            continue
        if len(data) > limits.SOURCE_BYTES:
            problems.append(
                Problem(
                    name,
                    0,
                    0,
                    f"is larger than {limits.SOURCE_BYTES // 2**20} MiB",
                    remedy="split it into several files",
                )
            )
            continue
        total += len(data)
        form = "either" if path is None else "json" if path.suffix == ".json" else "yaml"
        sources[key] = Source(name, data, form, found)
    if total > limits.ALL_BYTES:
        problems.append(
            Problem(
                ", ".join(names),
                0,
                0,
                f"is more than {limits.ALL_BYTES // 2**20} MiB in all",
                remedy="use several commands",
            )
        )
    if problems:
        raise ManifestError(problems)
    return list(sources.values())


def _paths(names: Sequence[str], problems: list[Problem]) -> list[tuple[str, Path | None, bool]]:
    found: list[tuple[str, Path | None, bool]] = []
    for name in names:
        path = Path(name)
        if name == STANDARD_INPUT:
            found.append((name, None, False))
        elif path.is_dir():
            inside = _inside(path)
            if not inside:
                problems.append(
                    Problem(
                        name,
                        0,
                        0,
                        "has no .yaml, .yml or .json file in it",
                        remedy="name the directory that the files are in; those below it are not looked at",
                    )
                )
            found.extend((str(each), each, True) for each in inside)
        elif not path.exists():
            problems.append(
                Problem(name, 0, 0, "is not there", remedy="name a file, a directory, or - for standard input")
            )
        elif not (path.is_file() or path.is_fifo() or path.is_char_device()):
            problems.append(Problem(name, 0, 0, "is neither a file nor a directory"))
        else:
            found.append((name, path, False))
    if len(found) > limits.FILES:
        problems.append(
            Problem(
                names[0],
                0,
                0,
                f"these are {len(found)} files; at most {limits.FILES} are read",
                remedy="use several commands",
            )
        )
        return []
    return found


def _inside(directory: Path) -> list[Path]:
    """The files of a directory that may describe something, by name. Hidden ones are not for us."""
    return sorted(
        each
        for each in directory.iterdir()
        if each.suffix in SUFFIXES and not each.name.startswith(".") and each.is_file()
    )


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(limits.SOURCE_BYTES + 1)

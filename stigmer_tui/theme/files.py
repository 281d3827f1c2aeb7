"""Themes of the person's own: `themes/NAME.yaml` in Stigmer's home. Blocking: small files are read.

base: dark            # what is not named here is as it is there
accent: "#ff9e64"
background: "#101010"
"""

import re
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path

from stigmer_apis.config.document import MOST_BYTES, Scalar, read_document
from stigmer_apis.errors import ConfigError
from stigmer_tui.theme.palettes import AUTO, LOOKS, NAMES, Look, Palette

MOST_FILES = 50
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_ANSI = re.compile(r"ansi_(bright_)?(black|red|green|yellow|blue|magenta|cyan|white)|ansi_default")


def stamp_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when a theme in the folder does."""
    found: list[tuple[str, int, int]] = []
    for path in _files(folder):
        try:
            state = path.stat()
        except OSError:
            continue
        found.append((path.name, state.st_mtime_ns, state.st_size))
    return tuple(found)


def read_looks(folder: Path) -> tuple[dict[str, Look], list[str]]:
    """The themes of a folder by name, and what is wrong with the others, a sentence each with file and line."""
    looks: dict[str, Look] = {}
    problems: list[str] = []
    for path in _files(folder):
        try:
            look = _read(path)
        except ConfigError as error:
            problems.append(error.message)
        except OSError as error:
            problems.append(f"{path} cannot be read: {error.strerror}")
        else:
            looks[look.name] = look
    return looks, problems


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))[:MOST_FILES]
    except OSError:
        return []


def _read(path: Path) -> Look:
    """The theme of a file. Raises `ConfigError` with its line."""
    name = path.stem
    if not _NAME.fullmatch(name) or name == AUTO or name in LOOKS:
        raise ConfigError(
            f"{path}: {name!r} cannot be a theme's name",
            remedy="use small letters, digits and hyphens, and no name of a theme that comes along",
        )
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{path}: it is too large for a theme")
    section = read_document(data.decode("utf-8", "replace"), str(path))
    base = LOOKS["dark"]
    colours: dict[str, str] = {}
    for entry in section.entries:
        key, place = entry.name.text, f"{path}:{entry.name.line}:{entry.name.column}"
        if not isinstance(entry.value, Scalar):
            raise ConfigError(f"{place}: {key} is a section: write `{key}: COLOUR`")
        value = entry.value.text.strip()
        if key == "base":
            if value not in LOOKS:
                raise ConfigError(
                    f"{place}: there is no theme {value!r} to begin with: choose one of {', '.join(LOOKS)}"
                )
            base = LOOKS[value]
        elif key not in NAMES:
            near = get_close_matches(key, NAMES, n=1, cutoff=0.5)
            raise ConfigError(
                f"{place}: a theme has no colour {key!r}: "
                + (f"did you mean {near[0]}?" if near else f"it has {', '.join(NAMES)}")
            )
        elif not _COLOUR.fullmatch(value) and not _ANSI.fullmatch(value):
            raise ConfigError(f'{place}: {key} is {value!r}: write "#rrggbb" in quotes, or a name such as ansi_blue')
        else:
            colours[key.replace("-", "_")] = value
    palette = replace(base.palette, **colours)
    ansi = all(_ANSI.fullmatch(str(getattr(palette, each.name))) for each in fields(Palette))
    if not ansi and any(_ANSI.fullmatch(str(getattr(palette, each.name))) for each in fields(Palette)):
        raise ConfigError(
            f"{path}: it mixes the terminal's own colours with others",
            remedy="name all twelve as ansi_..., or begin with `base: sixteen`, or write #rrggbb alone",
        )
    return Look(name, f"your own, {path.name}", base.dark, palette, ansi)

"""Makes the archive of a skill from its folder: the same bytes for the same files, and nothing that the server would refuse."""

import io
import os
import stat
import zipfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from pathspec import GitIgnoreSpec

from stigmer_apis.errors import InvalidArgument
from stigmer_apis.skill_form import (
    MAX_FILES,
    MAX_PACKED_BYTES,
    MAX_RATIO,
    MAX_SKILL_MD_BYTES,
    MAX_UNPACKED_BYTES,
    SKILL_MD,
    About,
    about,
    is_name,
    split,
)
from stigmer_apis.slugs import slugify
from stigmer_tui.text import safe

IGNORE_FILES = (".gitignore", ".skillignore")
"""Patterns of what is left out, in each folder; those of the second count over those of the first. They are not packed."""
NEVER = frozenset({".git", ".hg", ".svn", "__pycache__", ".DS_Store", *IGNORE_FILES})
STORED_BYTES = 32 * 1024 * 1024
"""Up to here files are stored as they are: the archive is then the same on every machine."""

_MOMENT = (1980, 1, 1, 0, 0, 0)
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a skill."""

    path: str
    size: int
    executable: bool


@dataclass(frozen=True)
class Packed:
    """A skill that can be pushed."""

    name: str
    archive: bytes
    members: tuple[Member, ...]
    description: str
    """What its front matter says that it teaches."""
    warnings: tuple[str, ...]

    @property
    def files(self) -> int:
        """How many."""
        return len(self.members)


@dataclass(frozen=True)
class _File:
    path: str
    data: bytes
    executable: bool


Specs = tuple[tuple[str, GitIgnoreSpec], ...]


def pack(source: Path, name: str) -> Packed:
    """Read a folder, or a ZIP that somebody packed. `name`: what it is to be called, empty for what its SKILL.md says. Blocking.

    Raises `InvalidArgument` with what, where and how to mend it.
    """
    try:
        if source.is_dir():
            return _pack_folder(source, name)
        if source.is_file():
            return _take_archive(source, name)
    except OSError as error:
        raise _wrong(f"{error.filename or source} cannot be read: {error.strerror}", "make it readable") from error
    raise _wrong(f"there is no folder and no ZIP {source}", f"name the folder that holds the {SKILL_MD}")


def _pack_folder(folder: Path, name: str) -> Packed:
    real = folder.resolve()
    files = sorted(_Walk(real).files(), key=lambda file: file.path)
    text = next((file.data for file in files if file.path == SKILL_MD), None)
    if text is None:
        raise _wrong(f"{folder} has no {SKILL_MD}", f"add a {SKILL_MD} that says what it teaches")
    named = _named(text, f"{folder}/{SKILL_MD}", name, real.name)
    body = io.BytesIO()
    small = sum(len(file.data) for file in files) <= STORED_BYTES
    with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            info = zipfile.ZipInfo(file.path, _MOMENT)
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | (0o755 if file.executable else 0o644)) << 16
            info.compress_type = archive.compression
            archive.writestr(info, file.data)
    packed = body.getvalue()
    if len(packed) > MAX_PACKED_BYTES:
        raise _wrong(
            f"{folder} packs to {len(packed):,} bytes; at most {MAX_PACKED_BYTES:,} are taken",
            "leave large files out: name them in a .skillignore",
        )
    members = tuple(Member(file.path, len(file.data), file.executable) for file in files)
    return Packed(named.name, packed, members, named.description, named.warnings)


def _take_archive(path: Path, name: str) -> Packed:
    """Look at a ZIP; the server checks every byte of it."""
    size = path.stat().st_size
    if size > MAX_PACKED_BYTES:
        raise _wrong(f"{path} has {size:,} bytes; at most {MAX_PACKED_BYTES:,} are taken", "leave large files out")
    data = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if len(members) > MAX_FILES:
                raise _wrong(
                    f"{path} holds {len(members):,} files; at most {MAX_FILES:,} are taken", "pack fewer files"
                )
            if unpacked > min(MAX_UNPACKED_BYTES, MAX_RATIO * size):
                raise _wrong(
                    f"{path} unpacks to {unpacked:,} bytes; at most {MAX_UNPACKED_BYTES:,} are taken, and {MAX_RATIO} times its size",
                    "leave large files out",
                )
            names = [member.filename for member in members]
            tops = {each.split("/")[0] for each in names}
            top = "" if SKILL_MD in names else f"{tops.pop()}/" if len(tops) == 1 else ""
            if f"{top}{SKILL_MD}" not in names:
                raise _wrong(f"{path} has no {SKILL_MD} at its root or in its only top folder", f"add a {SKILL_MD}")
            with archive.open(f"{top}{SKILL_MD}") as opened:
                text = opened.read(MAX_SKILL_MD_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise _wrong(f"{path} is no ZIP that can be read: {error}", "push the folder itself") from error
    named = _named(text, f"{path}: {SKILL_MD}", name, top.rstrip("/"))
    held = tuple(
        Member(each.filename, each.file_size, bool(each.external_attr >> 16 & 0o111))
        for each in members
        if not each.is_dir()
    )
    return Packed(named.name, data, held, named.description, named.warnings)


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    description: str
    warnings: tuple[str, ...]


def _named(text: bytes, where: str, name: str, folder: str) -> _Named:
    """What the skill is called, and what is to be said about its front matter. Raises where an agent could not use it."""
    if len(text) > MAX_SKILL_MD_BYTES:
        raise _wrong(f"{where} has more than {MAX_SKILL_MD_BYTES:,} bytes", "move parts of it to files of their own")
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise _wrong(f"{where} is not UTF-8: {error}", "save it as UTF-8") from error
    told = _about(decoded, where, name or folder)
    if not told.description:
        raise _wrong(
            f"{where}: {told.problems[0] if told.problems else 'it has no description'}",
            "begin it with `---`, `name: ...`, `description: ...` and `---`, a line each: agents choose by the description",
        )
    chosen = name or told.name
    if not is_name(chosen):
        hint = slugify(chosen or folder)
        raise _wrong(
            f"{chosen!r} is no name for a skill: it has 1 to 64 of a-z and 0-9, with single hyphens between them"
            if chosen
            else f"{where}: {told.problems[0]}",
            f"call it {hint!r}, in {SKILL_MD} or with --name" if is_name(hint) else "name it with --name",
        )
    warnings = tuple(problem for problem in told.problems if not problem.startswith("the name ") or not name)
    return _Named(chosen, told.description, warnings)


def _about(text: str, where: str, folder: str) -> About:
    front, _ = split(text)
    try:
        return about(cast(object, yaml.safe_load(front)) if front else None, folder)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = safe(" ".join(str(error).split())[:200])
        raise _wrong(f"the front matter of {where} is no YAML: {words}", "mend it, or put texts in quotes") from error


class _Walk:
    """Reads what is to be packed, within limits."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._left = MAX_UNPACKED_BYTES
        self._seen = 0

    def files(self) -> Generator[_File]:
        """Every file. Raises `InvalidArgument`, `OSError`."""
        yield from self._below(self._root, "", (), 0)

    def _below(self, folder: Path, prefix: str, specs: Specs, depth: int) -> Generator[_File]:
        if depth > _DEEPEST:
            raise _wrong(f"{folder} lies more than {_DEEPEST} folders deep", "leave it out")
        specs = (*specs, *((prefix, spec) for spec in _ignore_files(folder)))
        for entry in sorted(os.scandir(folder), key=lambda each: each.name):
            path = f"{prefix}{entry.name}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name in NEVER or (path != SKILL_MD and _is_ignored(path, is_folder, specs)):
                continue
            self._seen += 1
            if self._seen > MAX_FILES:
                raise _wrong(
                    f"{self._root} holds more than {MAX_FILES:,} files and folders",
                    "leave some out: name them in a .skillignore",
                )
            _check_name(path)
            if is_folder:
                yield from self._below(Path(entry.path), f"{path}/", specs, depth + 1)
            else:
                yield self._file(entry, path)

    def _file(self, entry: "os.DirEntry[str]", path: str) -> _File:
        place = entry.path
        if entry.is_symlink():
            place = os.path.realpath(entry.path)
            if not Path(place).is_relative_to(self._root) or not Path(place).is_file():
                raise _wrong(
                    f"{entry.path} is a link to {os.readlink(entry.path)}, which is no file in the skill's folder",
                    "put the file itself there, or name the link in a .skillignore",
                )
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _wrong(f"{entry.path} is neither a file nor a folder", "leave it out: name it in a .skillignore")
            data = file.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise _wrong(
                f"{self._root} holds more than {MAX_UNPACKED_BYTES:,} bytes",
                "leave large files out: name them in a .skillignore",
            )
        return _File(path, data, bool(status.st_mode & 0o111))


def _check_name(path: str) -> None:
    name = path.rpartition("/")[2]
    if not name.isprintable() or "\\" in name:
        raise _wrong(
            f"the name {name!r} holds what no skill's file may: control characters or a backslash", "rename it"
        )
    if name.startswith("-"):
        raise _wrong(f"the name {name!r} begins with a hyphen, which programs take for an option", "rename it")


def _ignore_files(folder: Path) -> list[GitIgnoreSpec]:
    found: list[GitIgnoreSpec] = []
    for name in IGNORE_FILES:
        place = folder / name
        if place.is_file() and not place.is_symlink():
            try:
                found.append(GitIgnoreSpec.from_lines(place.read_text(errors="replace").splitlines()))
            except ValueError as error:
                raise _wrong(
                    f"{place} is no list of patterns: {error}", "write it as a .gitignore is written"
                ) from error
    return found


def _is_ignored(path: str, is_folder: bool, specs: Specs) -> bool:
    """Whether the innermost file that says anything about `path` says that it is left out."""
    for prefix, spec in reversed(specs):
        below = path[len(prefix) :]
        result = spec.check_file(f"{below}/" if is_folder else below)
        if result.include is not None:
            return result.include
    return False


def _wrong(message: str, remedy: str) -> InvalidArgument:
    return InvalidArgument(message, remedy=remedy)

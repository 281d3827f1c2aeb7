"""What the archive of a skill may hold: names that lead to one place inside, whatever a file system makes of them."""

import re
import stat
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_apis.skill_form import MAX_FILES, SKILL_MD

LONGEST_NAME = 1024
LONGEST_PART = 255
"""Bytes of one name in a directory."""
DEEPEST = 64

_DRIVE = re.compile(r"[A-Za-z]:")
_OBEYED = frozenset("\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Characters that are not shown but turn or hide what is beside them."""
_TAGS = range(0xE0000, 0xE0080)


class Refused(Exception):
    """The archive is none that is taken apart. The message is fit for a person."""


@dataclass(frozen=True)
class Plan:
    """What will be unpacked."""

    files: Sequence[tuple[str, zipfile.ZipInfo]]
    """Each with its path below the skill's folder."""
    folders: Sequence[str]
    links: Sequence[str]
    """Links, which are left out."""


def plan(members: Sequence[zipfile.ZipInfo]) -> Plan:
    """Look at the names and kinds of all members. Raises `Refused`."""
    if len(members) > MAX_FILES:
        raise Refused(f"it has {len(members)} files; at most {MAX_FILES} are taken")
    seen: dict[str, tuple[str, bool]] = {}
    kinds = {id(member): _kind(member) for member in members}
    for member in members:
        _check_name(member)
        _check_places(seen, member)
    top = _top(members)
    files: list[tuple[str, zipfile.ZipInfo]] = []
    folders: list[str] = []
    links: list[str] = []
    for member in members:
        path = member.filename.rstrip("/")[len(top) :]
        kind = kinds[id(member)]
        if kind == stat.S_IFLNK:
            links.append(path)
        elif kind == stat.S_IFDIR:
            folders.extend([path] if path else [])
        else:
            files.append((path, member))
    if not any(path == SKILL_MD for path, _ in files):
        raise Refused(f"it has no {SKILL_MD} at its root or in its only top folder")
    return Plan(files, folders, links)


def _kind(member: zipfile.ZipInfo) -> int:
    """Whether it is a file, a directory or a link. Raises `Refused` for all else."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if member.flag_bits & 0x1:
        raise Refused(f"{_shown(member.filename)} is encrypted")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise Refused(f"{_shown(member.filename)} is neither a file nor a directory")
    if member.is_dir():
        if kind not in (0, stat.S_IFDIR):
            raise Refused(f"{_shown(member.filename)} is named as a directory and is none")
        return stat.S_IFDIR
    if kind == stat.S_IFDIR:
        raise Refused(f"{_shown(member.filename)} is a directory and is not named as one")
    return kind or stat.S_IFREG


def _check_name(member: zipfile.ZipInfo) -> None:
    name = member.filename
    if member.orig_filename.rstrip("\0") != name or "\0" in member.orig_filename:
        raise Refused(f"{_shown(member.orig_filename)} holds a NUL character")
    parts = name[:-1].split("/") if name.endswith("/") else name.split("/")
    if any(_is_obeyed(character) for character in name):
        raise Refused(f"{_shown(name)} holds a character that is not shown but obeyed")
    if len(_bytes(name)) > LONGEST_NAME or any(len(_bytes(part)) > LONGEST_PART for part in parts):
        raise Refused(f"{_shown(name)} is too long for a name")
    if name.startswith("/") or _DRIVE.match(name):
        raise Refused(f"{_shown(name)} is an absolute path")
    if "\\" in name:
        raise Refused(f"{_shown(name)} holds a backslash")
    if any(part in ("", ".", "..") for part in parts):
        raise Refused(f"{_shown(name)} leads out of the skill, or stands still")
    if any(part.startswith("-") for part in parts):
        raise Refused(f"{_shown(name)} begins with a hyphen, which programs take for an option")
    if len(parts) > DEEPEST:
        raise Refused(f"{_shown(name)} lies more than {DEEPEST} directories deep")


def _check_places(seen: dict[str, tuple[str, bool]], member: zipfile.ZipInfo) -> None:
    """No two members are one file where letters and accents are folded, and no file is a directory too.

    `seen`: by its folded path, each path so far and whether it is a directory.
    """
    parts = member.filename.rstrip("/").split("/")
    for depth in range(1, len(parts) + 1):
        path = "/".join(parts[:depth])
        is_folder = depth < len(parts) or member.is_dir()
        before = seen.get(_folded(path))
        if before is None:
            seen[_folded(path)] = (path, is_folder)
        elif before[0] != path:
            raise Refused(f"{_shown(path)} and {_shown(before[0])} are one on some file systems")
        elif not (is_folder and before[1]):
            raise Refused(f"{_shown(path)} is there twice")


def _top(members: Sequence[zipfile.ZipInfo]) -> str:
    """The only top folder with its slash, empty where the SKILL.md is at the root."""
    names = {member.filename for member in members}
    tops = {name.split("/")[0] for name in names}
    if SKILL_MD in names or len(tops) != 1:
        return ""
    return f"{next(iter(tops))}/"


def _is_obeyed(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or character in _OBEYED or ord(character) in _TAGS


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _shown(name: str) -> str:
    return ascii(name[:80])

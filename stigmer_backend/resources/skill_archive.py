"""What a skill's archive must be: a ZIP, checked member by member, without trust in what its headers say.

Run as a program (`python -I -S skill_archive.py < ARCHIVE`) it limits itself first and writes one line of JSON: `{"skill_md": TEXT}` or
`{"error": WHAT, "remedy": HOW}`. It imports nothing outside of the standard library, so that it starts at once with an empty environment.
"""

import contextlib
import io
import json
import posixpath
import re
import resource
import stat
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

MAX_PACKED_BYTES: Final = 100 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 500 * 1024 * 1024
MAX_RATIO: Final = 100
"""Unpacked bytes for one packed."""
MAX_FILES: Final = 10_000
"""Members, directories among them."""
MAX_SKILL_MD_BYTES: Final = 1024 * 1024
MAX_NAME_BYTES: Final = 1024
MAX_PART_BYTES: Final = 255
"""Of one name in a directory."""
MAX_DEPTH: Final = 64
MAX_LINK_BYTES: Final = 4096
CPU_SECONDS: Final = 30
MEMORY_BYTES: Final = 1024 * 1024 * 1024

SKILL_MD: Final = "SKILL.md"
_CHUNK: Final = 1024 * 1024
_UTF8_NAME: Final = 0x800
_ENCRYPTED: Final = 0x1
_DRIVE: Final = re.compile(r"^[A-Za-z]:")
_OBEYED: Final = frozenset(
    "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
"""Characters that are not shown but turn or hide what is beside them."""
_TAGS: Final = range(0xE0000, 0xE0080)
_MODES: Final = frozenset({0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK})


class ArchiveRefused(Exception):
    """The archive is none that is kept. `remedy` says how to mend it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def check_archive(file: BinaryIO, packed: int) -> str:
    """Read the archive in `file`, `packed` bytes long, to its end, and return the text of its SKILL.md. Raises `ArchiveRefused`."""
    if packed > MAX_PACKED_BYTES:
        raise ArchiveRefused(
            f"the archive has {packed} bytes; at most {MAX_PACKED_BYTES} are taken",
            "leave large files out of the skill",
        )
    try:
        with zipfile.ZipFile(file) as archive:
            return _check(archive, packed)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, NotImplementedError) as error:
        raise ArchiveRefused(
            f"the archive cannot be read: {error}", "pack the skill's folder again, as a ZIP"
        ) from error


def _check(archive: zipfile.ZipFile, packed: int) -> str:
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise ArchiveRefused(f"the archive has {len(members)} files; at most {MAX_FILES} are taken")
    _check_names(members)
    wanted = _skill_md(members)
    text = b""
    left = min(MAX_UNPACKED_BYTES, MAX_RATIO * packed)
    for member in members:
        if member.flag_bits & _ENCRYPTED:
            raise ArchiveRefused(f"{member.filename!r} is encrypted", "pack the skill without a password")
        mode = stat.S_IFMT(member.external_attr >> 16)
        if mode not in _MODES:
            raise ArchiveRefused(f"{member.filename!r} is neither a file nor a directory", "leave it out")
        kept = io.BytesIO()
        keep = MAX_SKILL_MD_BYTES if member is wanted else MAX_LINK_BYTES if mode == stat.S_IFLNK else 0
        for piece in _pieces(archive, member):
            left -= len(piece)
            if left < 0:
                raise ArchiveRefused(
                    f"the archive unpacks to more than {min(MAX_UNPACKED_BYTES, MAX_RATIO * packed)} bytes "
                    f"({MAX_RATIO} times its size, and at most {MAX_UNPACKED_BYTES})",
                    "leave out large files of one and the same byte",
                )
            if keep:
                kept.write(piece)
                if kept.tell() > keep:
                    raise ArchiveRefused(f"{member.filename!r} has more than {keep} bytes", "make it shorter")
        if mode == stat.S_IFLNK:
            _check_link(member.filename, kept.getvalue())
        if member is wanted:
            text = kept.getvalue()
    return _decoded(text)


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The unpacked bytes of a member. The library checks their CRC at the end."""
    with archive.open(member) as opened:
        while piece := opened.read(_CHUNK):
            yield piece


def _check_names(members: list[zipfile.ZipInfo]) -> None:
    """Every name leads to one place inside, on file systems that fold case and accents too."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for member in members:
        name = member.filename
        _check_name(name, member.orig_filename)
        parts = name.rstrip("/").split("/")
        keys = [_folded("/".join(parts[: place + 1])) for place in range(len(parts))]
        for key, folder in zip(
            keys[:-1], ("/".join(parts[: place + 1]) for place in range(len(parts) - 1)), strict=True
        ):
            _agree(files, folders, key, folder, name)
        if member.is_dir():
            _agree(files, folders, keys[-1], name.rstrip("/"), name)
            continue
        if keys[-1] in files or keys[-1] in folders:
            other = files.get(keys[-1]) or folders[keys[-1]]
            raise ArchiveRefused(
                f"{name!r} and {other!r} are the same name on some file systems", "give each file a name of its own"
            )
        files[keys[-1]] = name


def _agree(files: dict[str, str], folders: dict[str, str], key: str, folder: str, name: str) -> None:
    if key in files:
        raise ArchiveRefused(f"{name!r} and {files[key]!r} are the same name on some file systems", "rename one")
    if folders.setdefault(key, folder) != folder:
        raise ArchiveRefused(f"the folders {folder!r} and {folders[key]!r} are one on some file systems", "rename one")


def _check_name(name: str, in_header: str) -> None:
    """`in_header` is the name as it stands in the archive: the library cuts it at a NUL."""
    parts = name.rstrip("/").split("/")
    wrong = ""
    if not name or "\0" in in_header or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        wrong = "is no name of a file"
    elif any(character in _OBEYED or ord(character) in _TAGS for character in name):
        wrong = "holds a character that is not shown but obeyed"
    elif len(_bytes(name)) > MAX_NAME_BYTES or any(len(_bytes(part)) > MAX_PART_BYTES for part in parts):
        wrong = f"is longer than {MAX_NAME_BYTES} bytes, or a part of it than {MAX_PART_BYTES}"
    elif len(parts) > MAX_DEPTH:
        wrong = f"lies more than {MAX_DEPTH} folders deep"
    elif name.startswith("/") or _DRIVE.match(name):
        wrong = "is an absolute path"
    elif "\\" in name:
        wrong = "holds a backslash"
    elif any(part in ("", ".", "..") for part in parts):
        wrong = "leads out of the skill, or stands still"
    elif any(part.startswith("-") for part in parts):
        wrong = "begins with a hyphen, which programs take for an option"
    if wrong:
        raise ArchiveRefused(
            f"the archive holds {in_header[:80]!a}, which {wrong}",
            "rename it, and pack the skill's folder from inside",
        )


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _check_link(name: str, target: bytes) -> None:
    """A link stays inside the archive."""
    to = target.decode("utf-8", "surrogateescape")
    led = posixpath.normpath(posixpath.join(posixpath.dirname(name), to))
    if not to or to.startswith("/") or "\0" in to or "\\" in to or _DRIVE.match(to) or led.split("/")[0] == "..":
        raise ArchiveRefused(f"the link {name!r} leads out of the skill", "pack the file itself")


def _skill_md(members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """The SKILL.md at the root, or in the only top folder."""
    by_name = {member.filename: member for member in members if not member.is_dir()}
    tops = {member.filename.split("/")[0] for member in members}
    if SKILL_MD in by_name:
        return by_name[SKILL_MD]
    if len(tops) == 1:
        found = by_name.get(f"{next(iter(tops))}/{SKILL_MD}")
        if found is not None:
            return found
    raise ArchiveRefused(
        f"the archive has no {SKILL_MD} at its root or in its only top folder",
        f"add a {SKILL_MD} that says what it teaches",
    )


def _decoded(text: bytes) -> str:
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise ArchiveRefused(f"{SKILL_MD} is not UTF-8: {error}", "save it as UTF-8") from error
    if not decoded.strip():
        raise ArchiveRefused(f"{SKILL_MD} is empty", "say in it what the skill teaches, and when to use it")
    return decoded


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


def main() -> int:
    """Check the archive on standard input, within limits."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS takes no limit on the address space
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with open(0, "rb", closefd=False) as file:
        packed = file.seek(0, io.SEEK_END)
        file.seek(0)
        try:
            told = {"skill_md": check_archive(file, packed)}
        except ArchiveRefused as refusal:
            told = {"error": str(refusal), "remedy": refusal.remedy}
        except MemoryError:
            told = {"error": "the archive takes too much memory to read", "remedy": "make it smaller"}
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())

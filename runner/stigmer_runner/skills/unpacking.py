"""Takes the archive of a skill apart, below one directory and nowhere else. Run as a process of its own: the bytes are somebody else's."""

import os
import zipfile
import zlib
from pathlib import Path
from typing import cast

import yaml

from stigmer_apis.skill_form import (
    MAX_PACKED_BYTES,
    MAX_RATIO,
    MAX_SKILL_MD_BYTES,
    MAX_UNPACKED_BYTES,
    SKILL_MD,
    about,
    split,
)
from stigmer_runner.skills.members import Plan, Refused, plan
from stigmer_runner.tools.child import serve
from stigmer_runner.tools.files.beneath import Beneath, PathRefused

_CHUNK = 256 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, NotImplementedError, RuntimeError)
"""What the library raises for an archive that is none, or encrypted, or packed in a way it does not know."""


def unpack(question: dict[str, object]) -> dict[str, object]:
    """`{"fd", "folder", "name"}`: unpack what the descriptor holds below `folder`, an empty directory, the folder of the skill `name`.

    Answers `{"description", "allowed_tools", "problems", "files", "links"}`, or `{"error"}`; what was written before is left to whoever asked.
    """
    descriptor, folder, name = cast(int, question["fd"]), str(question["folder"]), str(question["name"])
    try:
        files, links, text = _unpacked(descriptor, Beneath(Path(folder)))
    except (Refused, PathRefused) as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"it cannot be unpacked: {error.strerror or error}"}
    except _BROKEN as error:
        return {"error": f"it cannot be read: {str(error)[:200]}"}
    return {**_described(text, name), "files": files, "links": links}


def _unpacked(descriptor: int, place: Beneath) -> tuple[list[str], list[str], str]:
    """The files, the links that were left out, and the text of the SKILL.md."""
    packed = os.fstat(descriptor).st_size
    if packed > MAX_PACKED_BYTES:
        raise Refused(f"it has {packed} bytes; at most {MAX_PACKED_BYTES} are taken")
    with open(descriptor, "rb", closefd=False) as file, zipfile.ZipFile(file) as archive:
        planned = plan(archive.infolist())
        text = _write_all(archive, planned, place, min(MAX_UNPACKED_BYTES, MAX_RATIO * packed))
    return [path for path, _ in planned.files], list(planned.links), text


def _write_all(archive: zipfile.ZipFile, planned: Plan, place: Beneath, most: int) -> str:
    for path in planned.folders:
        with place.directory(path, make=True):
            pass
    left, text = most, b""
    for path, member in planned.files:
        kept = bytearray()
        parent, _, name = path.rpartition("/")
        with place.directory(parent or ".", make=True) as directory, archive.open(member) as opened:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            mode = 0o555 if (member.external_attr >> 16) & 0o111 else 0o444
            written = os.open(name, flags, mode, dir_fd=directory)
            try:
                while piece := opened.read(_CHUNK):
                    left -= len(piece)
                    if left < 0:
                        raise Refused(f"it unpacks to more than {most} bytes")
                    _write(written, piece)
                    if path == SKILL_MD:
                        kept += piece
                        if len(kept) > MAX_SKILL_MD_BYTES:
                            raise Refused(f"its {SKILL_MD} has more than {MAX_SKILL_MD_BYTES} bytes")
            finally:
                os.close(written)
        if path == SKILL_MD:
            text = bytes(kept)
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"its {SKILL_MD} is not UTF-8") from error


def _write(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _described(text: str, name: str) -> dict[str, object]:
    front, _ = split(text)
    try:
        found = about(cast(object, yaml.safe_load(front)) if front else None, name)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())[:200]
        return {
            "description": "",
            "allowed_tools": "",
            "problems": [f"the front matter of {SKILL_MD} is no YAML: {words}"],
        }
    return {
        "description": found.description,
        "allowed_tools": found.allowed_tools,
        "problems": list(found.problems),
    }


if __name__ == "__main__":
    serve(unpack, file_size=MAX_UNPACKED_BYTES)

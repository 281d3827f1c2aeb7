"""Archives that lie, and honest ones: each of the first kind is refused, or is unpacked without harm."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SKILL_MD = (
    "---\nname: digging\ndescription: Digs holes. Use it when a hole is wanted.\n---\nDig with `scripts/dig.sh`.\n"
)
Member = tuple[str, bytes]
ZEROS = 120 * 1024 * 1024
"""More than a hundred times what it packs to."""


@dataclass(frozen=True)
class Hostile:
    """One of them."""

    name: str
    make: Callable[[], bytes]


def packed(*members: Member, skill_md: str | None = SKILL_MD) -> bytes:
    """A ZIP, with a SKILL.md first where one is given."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in ((("SKILL.md", skill_md.encode()),) if skill_md is not None else ()) + members:
            archive.NameToInfo.clear()  # else the library warns of a name that is there twice
            archive.writestr(_info(name), data)
    return body.getvalue()


def special(name: str, kind: int, data: bytes = b"", *, more: Sequence[Member] = ()) -> bytes:
    """A ZIP with a member of a kind: a link, a device."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        if name != "SKILL.md":
            archive.writestr(_info("SKILL.md"), SKILL_MD)
        info = _info(name)
        info.create_system = 3
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, data)
        for other, content in more:
            archive.writestr(_info(other), content)
    return body.getvalue()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _names(*names: str) -> Callable[[], bytes]:
    return lambda: packed(*((name, b"x") for name in names))


def _link(name: str, target: str, *more: Member) -> Callable[[], bytes]:
    return lambda: special(name, stat.S_IFLNK, target.encode(), more=more)


def _patched(find: bytes, replace: bytes, count: int = -1) -> Callable[[], bytes]:
    """An archive in which some bytes are others of the same length, in the headers too."""
    return lambda: packed(("aaaaaaaa", b"x")).replace(find, replace, count)


def _bomb() -> bytes:
    return packed(("zeros", bytes(ZEROS)))


def _overlapping() -> bytes:
    """Many entries of the directory that all lead to the same bytes."""
    body = bytearray(packed(("kernel", bytes(4 * 1024 * 1024))))
    end = body.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<I", body, end + 16)[0]
    entry = body[body.rindex(b"PK\x01\x02", 0, end) : end]
    head = body[start : body.rindex(b"PK\x01\x02", 0, end)]
    entries = bytearray(head)
    for number in range(400):
        entries += entry.replace(b"kernel", b"k%05d" % number)
    tail = bytearray(body[end:])
    struct.pack_into("<HHII", tail, 8, 401, 401, len(entries), start)
    return bytes(body[:start] + entries + tail)


def _lying_size() -> bytes:
    """The directory says that 120 MB are one byte."""
    body = bytearray(_bomb())
    at = body.rindex(b"PK\x01\x02")
    struct.pack_into("<I", body, at + 24, 1)
    return bytes(body)


def _many() -> bytes:
    return packed(*((f"f{number}", b"") for number in range(10_050)))


def _encrypted() -> bytes:
    body = bytearray(packed(("secret", b"x")))
    at = body.rindex(b"PK\x01\x02")
    body[at + 8] |= 1
    local = struct.unpack_from("<I", body, at + 42)[0]
    body[local + 6] |= 1
    return bytes(body)


def _method(number: int) -> Callable[[], bytes]:
    """Packed in a way that nobody knows."""

    def make() -> bytes:
        body = bytearray(packed(("odd", b"x")))
        at = body.rindex(b"PK\x01\x02")
        struct.pack_into("<H", body, at + 10, number)
        struct.pack_into("<H", body, struct.unpack_from("<I", body, at + 42)[0] + 8, number)
        return bytes(body)

    return make


def _wrong_crc() -> bytes:
    body = bytearray(packed(("damaged", b"x")))
    at = body.rindex(b"PK\x01\x02")
    struct.pack_into("<I", body, at + 16, 0)
    return bytes(body)


def _slippery_prefix() -> bytes:
    """Another archive stands before this one."""
    return packed(("../outside", b"x")) + packed(("../../outside", b"x"))


def _zip64_count() -> bytes:
    """The end says that there are four thousand million entries."""
    body = bytearray(packed(("a", b"x")))
    end = body.rindex(b"PK\x05\x06")
    struct.pack_into("<HH", body, end + 8, 0xFFFF, 0xFFFF)
    struct.pack_into("<II", body, end + 12, 0xFFFFFFFF, 0xFFFFFFFF)
    return bytes(body)


HOSTILE: tuple[Hostile, ...] = tuple(
    Hostile(name, make)
    for name, make in (
        ("up", _names("../outside")),
        ("up and up", _names("../../../../../../../../tmp/outside")),
        ("up from within", _names("a/../../outside")),
        ("up at the end", _names("a/..")),
        ("up as a folder", _names("../")),
        ("only dots", _names("..")),
        ("a dot within", _names("a/./b")),
        ("a dot first", _names("./a")),
        ("nothing between slashes", _names("a//b")),
        ("absolute", _names("/tmp/outside")),
        ("absolute twice", _names("//tmp/outside")),
        ("the root", _names("/")),
        ("a drive", _names("C:/outside")),
        ("a drive without a slash", _names("c:outside")),
        ("a drive and backslashes", _names("C:\\outside")),
        ("backslashes up", _names("..\\..\\outside")),
        ("a share", _names("\\\\server\\share\\outside")),
        ("a mixed way up", _names("a/..\\../outside")),
        ("an option", _names("-rf")),
        ("an option in a folder", _names("scripts/-rf")),
        ("an option with words", _names("--checkpoint-action=exec=sh")),
        ("no name", _names("")),
        ("a new line", _names("a\nb")),
        ("an escape sequence", _names("\x1b[2Ja")),
        ("a bell", _names("a\x07")),
        ("a delete character", _names("a\x7fb")),
        ("a NUL", _patched(b"aaaaaaaa", b"aaa\0aaaa")),
        ("a NUL that hides an end", _patched(b"aaaaaaaa", b"a.md\0.sh")),
        ("a NUL before a slash", _patched(b"aaaaaaaa", b"aa\0/../x")),
        ("text that turns around", _names("scripts/\u202ehs.gid")),
        ("an isolate", _names("a\u2066b")),
        ("a mark of direction", _names("a\u200fb")),
        ("a space without width", _names("SKILL\u200b.md")),
        ("a mark of byte order", _names("\ufeffSKILL.md")),
        ("a tag", _names("a\U000e0041")),
        ("a line separator", _names("a\u2028b")),
        ("too long a part", _names("a" * 300)),
        ("too long a path", _names("/".join(["abcdefgh"] * 300))),
        ("too deep", _names("/".join("a" * 120))),
        ("twice", _names("same", "same")),
        ("SKILL.md twice", _names("SKILL.md")),
        ("another case", _names("Read.md", "read.MD")),
        ("another case of SKILL.md", _names("skill.md")),
        ("folders of another case", _names("Scripts/a", "scripts/b")),
        ("accents apart and together", _names("caf\u00e9", "cafe\u0301")),
        ("wide letters", _names("a.sh", "\uff41.sh")),
        ("a sharp s", _names("stra\u00dfe", "STRASSE")),
        ("a file that is a folder", _names("a", "a/b")),
        ("a folder that is a file", _names("a/b", "a")),
        ("a link out", _link("link", "../../outside")),
        ("an absolute link", _link("link", "/etc/passwd")),
        ("a link to up, and through it", _link("door", "..", ("door/outside", b"x"))),
        ("a link in place of SKILL.md", lambda: special("SKILL.md", stat.S_IFLNK, b"/etc/passwd")),
        ("a link with a NUL", _link("link", "a\0/etc/passwd")),
        ("a device", lambda: special("null", stat.S_IFCHR)),
        ("a disk", lambda: special("disk", stat.S_IFBLK)),
        ("a pipe", lambda: special("pipe", stat.S_IFIFO)),
        ("a socket", lambda: special("socket", stat.S_IFSOCK)),
        ("a bomb", _bomb),
        ("a bomb that lies", _lying_size),
        ("bytes that many share", _overlapping),
        ("many files", _many),
        ("encrypted", _encrypted),
        ("packed in an unknown way", _method(77)),
        ("damaged", _wrong_crc),
        ("two archives", _slippery_prefix),
        ("four thousand million entries", _zip64_count),
        ("cut off", lambda: packed(("a", b"x"))[:-30]),
        ("no archive", lambda: b"#!/bin/sh\nrm -rf /\n"),
        ("nothing", lambda: packed(skill_md=None)),
        ("no SKILL.md", lambda: packed(("a", b"x"), skill_md=None)),
        ("SKILL.md too deep", lambda: packed(("a/b/SKILL.md", SKILL_MD.encode()), skill_md=None)),
        ("a SKILL.md of 2 MB", lambda: packed(skill_md=SKILL_MD + "word " * 400_000)),
        ("a SKILL.md that is no text", lambda: packed(("SKILL.md", b"\xff\xfe\x00"), skill_md=None)),
    )
)
"""All of them."""

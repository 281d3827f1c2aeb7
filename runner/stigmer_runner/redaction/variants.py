"""The forms in which a secret is met: as it is, and as programs write it down."""

import base64
import html
import json
import shlex
from collections.abc import Callable, Generator
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""Bytes of a form that is looked for: shorter ones are met by chance."""
BASE64_COLUMNS = (64, 76)
"""Where programs break lines of base64: PEM and MIME."""
HEX_BYTES = 30
"""Bytes in a line of `xxd -p`."""
DUMP_BYTES = 16
"""Bytes in a line of `od -tx1` and other dumps."""


def variants(secret: str) -> frozenset[bytes]:
    """Every form of `secret` that is looked for; empty for one shorter than `SHORTEST` bytes."""
    raw = secret.encode("utf-8", "surrogateescape")
    if len(raw) < SHORTEST:
        return frozenset()
    found: set[bytes] = set()
    for form in (raw, raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), raw.strip()):
        found |= {form, *_encoded(form)}
    found.update(_lines(raw))
    found.update(form.encode("utf-8", "surrogateescape") for form in _written(secret))
    found.update(secret.encode(name, "surrogatepass") for name in ("utf-16-le", "utf-16-be") if _clean(secret))
    return frozenset(form for form in found if len(form) >= SHORTEST)


def _clean(secret: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in secret)


def _encoded(raw: bytes) -> Generator[bytes]:
    """Encodings of bytes."""
    lower = raw.hex()
    yield lower.encode()
    yield lower.upper().encode()
    for separator in (":", " "):
        spaced = raw.hex(separator)
        yield spaced.encode()
        yield spaced.upper().encode()
    yield "".join(f"\\x{byte:02x}" for byte in raw).encode()
    yield "".join(f"\\{byte:03o}" for byte in raw).encode()
    yield "".join(f"&#{byte};" for byte in raw).encode()
    for percent in ("%{:02X}", "%{:02x}"):
        yield "".join(percent.format(byte) for byte in raw).encode()
    for size, separator in ((HEX_BYTES, ""), (DUMP_BYTES, " ")):
        if len(raw) > size:
            lines = (raw[start : start + size] for start in range(0, len(raw) - size + 1, size))
            yield from ((line.hex(separator) if separator else line.hex()).encode() for line in lines)
    yield base64.b32encode(raw).rstrip(b"=")[: len(raw) * 8 // 5]
    for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            yield _at_offset(raw, offset, encode)
    for columns in BASE64_COLUMNS:
        whole = base64.standard_b64encode(raw)
        if len(whole) > columns:
            yield from (whole[start : start + columns] for start in range(0, len(whole) - columns, columns))


def _at_offset(raw: bytes, offset: int, encode: Callable[[bytes], bytes]) -> bytes:
    """The characters of base64 that `raw` alone decides, where `offset` bytes stand before it in its group of three."""
    whole = encode(bytes(offset) + raw)
    return whole[-(-8 * offset // 6) : 8 * (offset + len(raw)) // 6]


def _lines(raw: bytes) -> Generator[bytes]:
    """Lines of a key in PEM, or of any text of several lines: each is a secret of its own."""
    lines = [line.strip() for line in raw.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= 2 * SHORTEST and not line.startswith(b"-----"))


def _written(secret: str) -> Generator[str]:
    """The ways in which programs quote a text."""
    once = json.dumps(secret)[1:-1]
    yield once
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(once)[1:-1]
    yield once.replace("/", "\\/")
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    yield html.escape(secret).replace("&#x27;", "&#39;")
    yield shlex.quote(secret).strip("'")
    yield repr(secret)[1:-1]
    yield secret.replace("'", "''")
    yield secret.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    yield "".join(
        character if character.isalnum() or character in "_./:=@%+,-" else f"\\{character}" for character in secret
    )
    if _clean(secret):
        for safe in ("", "/", "/:@"):
            quoted = quote(secret, safe=safe)
            yield quoted
            yield _lower_percent(quoted)
        yield quote_plus(secret)
    yield secret.replace("\n", "\\n")


def _lower_percent(text: str) -> str:
    pieces = text.split("%")
    return "%".join([pieces[0], *(piece[:2].lower() + piece[2:] for piece in pieces[1:])])

"""The forms in which a secret might turn up. Each is a way in which programs write text down without meaning to hide it.

| form | what it finds |
|---|---|
| raw | the secret as it is |
| hex, hex-upper, hex-spaced | dumps |
| base64-0, -1, -2 | base64, wherever in the encoded text the secret begins |
| base64url-0, -1, -2 | the same with the alphabet of URLs |
| base32 | base32, from its beginning |
| percent, percent-lower | every byte as `%XX`, as in URLs |
| json | every character as `\\u00XX` |
| c-escapes | every byte as `\\xXX`, as `repr` and `printf %q` write |
| octal | every byte as `\\NNN` |
| html | every character as `&#N;` |
| utf-16-le, utf-16-be, utf-32-le | texts of other systems |
| reversed, rot13 | what is hidden from a plain search on purpose |
| gzip, zlib, bz2 | compressed streams, which the search takes apart |
"""

import base64
import codecs
from collections.abc import Iterator

COMPRESSED = ("gzip", "zlib", "bz2")
"""Forms that have no bytes of their own to look for: the search decompresses what looks like one."""


def forms(secret: str) -> dict[str, bytes]:
    """What to look for, by form."""
    raw = secret.encode()
    found = {
        "raw": raw,
        "hex": raw.hex().encode(),
        "hex-upper": raw.hex().upper().encode(),
        "hex-spaced": raw.hex(" ").encode(),
        "base32": base64.b32encode(raw).rstrip(b"=")[: len(raw) * 8 // 5],
        "percent": b"".join(b"%%%02X" % byte for byte in raw),
        "percent-lower": b"".join(b"%%%02x" % byte for byte in raw),
        "json": b"".join(b"\\u%04x" % ord(character) for character in secret),
        "c-escapes": b"".join(b"\\x%02x" % byte for byte in raw),
        "octal": b"".join(b"\\%03o" % byte for byte in raw),
        "html": b"".join(b"&#%d;" % ord(character) for character in secret),
        "utf-16-le": secret.encode("utf-16-le"),
        "utf-16-be": secret.encode("utf-16-be"),
        "utf-32-le": secret.encode("utf-32-le"),
        "reversed": raw[::-1],
        "rot13": codecs.encode(secret, "rot13").encode(),
    }
    found |= {f"base64-{offset}": piece for offset, piece in _base64(raw, url=False)}
    return found | {f"base64url-{offset}": piece for offset, piece in _base64(raw, url=True)}


def _base64(raw: bytes, *, url: bool) -> Iterator[tuple[int, bytes]]:
    """The characters that the secret alone decides, where it begins at an offset of 0, 1 or 2 in a group of three."""
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    for offset in range(3):
        encoded = encode(b"\0" * offset + raw).rstrip(b"=")
        first = -(-offset * 8 // 6)
        yield offset, encoded[first : (offset + len(raw)) * 8 // 6]

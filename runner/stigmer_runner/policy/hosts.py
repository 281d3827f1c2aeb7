"""Names of hosts: one way to read them, for the policy, the fetch tool and the proxy."""

import ipaddress
import re

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?\Z")
WEB_PORTS = (80, 443)


def host_of(name: str) -> str | None:
    """`name` as it is compared: small letters, no dot at the end, addresses in their one form. None where it is no host."""
    text = name.strip("[]") if name.startswith("[") and name.endswith("]") else name
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        text = text.encode("idna").decode("ascii") if not text.isascii() else text
    except UnicodeError:
        return None
    text = text.lower()
    if len(text) > 253 or not _NAME.match(text) or _numeric(text):
        return None
    return text.rstrip(".")


def fits(pattern: str, host: str, port: int) -> bool:
    """Whether `pattern` (`name`, `*.name`, either with `:port`, else ports 80 and 443) stands for `host`, as `host_of` gives it."""
    name, ports = split_port(pattern)
    if port not in (WEB_PORTS if ports is None else (ports,)):
        return False
    if name == "*":
        return True
    if name.startswith("*."):
        below = host_of(name[2:])
        return below is not None and host.endswith(f".{below}")
    return host_of(name) == host


def split_port(text: str) -> tuple[str, int | None]:
    """`name:port` taken apart; the port is None where there is none, or where it is no number."""
    if text.startswith("["):
        inner, _, rest = text[1:].partition("]")
        return inner, _port(rest.removeprefix(":")) if rest else None
    name, colon, port = text.rpartition(":")
    if not colon or ":" in name:
        return text, None
    return name, _port(port)


def _port(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 65536 else None


def _numeric(text: str) -> bool:
    """Whether some programs would take it for an address in another form: 2130706433, 0x7f.1, 127.1."""
    last = text.rstrip(".").rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")

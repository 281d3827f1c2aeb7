"""From the text of a setting to its value, and back."""

import math
import re
from enum import Enum
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import urlsplit

from stigmer_apis.config.choices import ALSO
from stigmer_apis.config.keys import KeyTable
from stigmer_apis.config.model import Form
from stigmer_apis.config.schema import Setting

MASK: Final = "********"
"""What is shown instead of a credential."""

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
_ADDRESS = re.compile(rf"{_HOST}:(?P<port>[0-9]{{1,5}})")
_MOST_DIGITS = 20


class Refused(ValueError):
    """The text means nothing. Says what it may be, in words that go on after `... is 'TEXT'`; a private text is not to be quoted."""

    def __init__(self, words: str, *, is_private: bool = False) -> None:
        super().__init__(words)
        self.is_private = is_private


def parse(setting: Setting, text: str) -> object:
    """The value that `text` means. Raises `Refused`. Credentials are never quoted in it."""
    text = text.strip()
    if not text.isprintable():
        raise Refused("it holds characters that cannot be printed")
    kind = setting.kind
    if issubclass(kind, KeyTable):
        raise Refused("it is a section: set `tui.keymap.ACTION`, such as `tui.keymap.run.search`")
    if issubclass(kind, bool):
        return _bool(text)
    if issubclass(kind, Enum):
        return _choice(kind, text)
    if issubclass(kind, int):
        return _in_range(setting, _whole(text))
    if issubclass(kind, float):
        return _in_range(setting, _number(text))
    if issubclass(kind, Path):
        return Path(text).expanduser() if text != "~" else Path.home()
    return _formed(setting.about.form, text)


def shown(setting: Setting, value: object) -> str:
    """A value as text, credentials masked."""
    if value is None or value == "":
        return ""
    return MASK if setting.about.secret else plain(value)


def plain(value: object) -> str:
    """A value as the text that means it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def wanted(setting: Setting) -> str:
    """What the setting may be, in a few words."""
    kind, about = setting.kind, setting.about
    if issubclass(kind, KeyTable):
        return "`ACTION: KEY, KEY`"
    if issubclass(kind, bool):
        return "true or false"
    if issubclass(kind, Enum):
        return ", ".join(str(member.value) for member in kind)
    if issubclass(kind, (int, float)):
        words = "a whole number" if issubclass(kind, int) else "a number"
        ranged = about.least is not None and about.most is not None
        return f"{words} from {about.least:,} to {about.most:,}" if ranged else words
    return "a path" if issubclass(kind, Path) else about.form.value


def _bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise Refused("choose one of true, false")


def _choice(kind: type[Enum], text: str) -> Enum:
    known = {str(member.value): member for member in kind}
    also = {word: member for word, member in ALSO.items() if isinstance(member, kind)}
    found = known.get(text.lower()) or also.get(text.lower())
    if found is None:
        raise Refused(f"choose one of {', '.join(known)}")
    return found


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS or not re.fullmatch(r"[+-]?[0-9]+", text):
        raise Refused("it must be a whole number")
    return int(text)


def _number(text: str) -> float:
    try:
        number = float(text) if len(text) <= _MOST_DIGITS else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Refused("it must be a number")
    return number


def _in_range(setting: Setting, number: float) -> float:
    about = setting.about
    if (about.least is not None and number < about.least) or (about.most is not None and number > about.most):
        raise Refused(f"it must be {wanted(setting)}")
    return number


def _formed(form: Form, text: str) -> str:
    match form:
        case Form.ANY:
            return text
        case Form.URL:
            return _url(text)
        case Form.ADDRESS:
            _address(text)
        case Form.ENDPOINT:
            if not re.fullmatch(r"unix:/.+", text):
                _address(text, form)
        case _:
            assert_never(form)
    return text


def _address(text: str, form: Form = Form.ADDRESS) -> None:
    found = _ADDRESS.fullmatch(text)
    if found is None or not 1 <= int(found["port"]) <= 65_535:
        raise Refused(f"it must be {form.value}")


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole:
        raise Refused(f"it must be {Form.URL.value}")
    if "@" in urlsplit(text).netloc:
        raise Refused("it must hold no user and no password", is_private=True)
    return text

"""The rows of `config.yaml`, in the order of its documentation."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from stigmer_apis.config import Configuration, Provider, Source, Value
from stigmer_apis.config.keys import KeyTable
from stigmer_apis.config.page import documentation
from stigmer_apis.config.parsing import Refused, parse, plain, shown, wanted
from stigmer_apis.config.schema import SETTINGS, Setting
from stigmer_tui.settings.entries import Entry, Way

_THEME = "tui.theme"
_ANEW = "It counts once the server begins anew: `stigmer server stop`, when nothing runs."
_NEXT_TIME = "It counts when the workstation is started next."
_RESTARTED = {"tui.mouse": _NEXT_TIME}
_FIRST = ("tui", "backend", "log", "server", "context")
"""The order of the headings: what people change most comes first."""


def value_entries(configuration: Configuration) -> list[Entry]:
    """A row for every setting but the keymap, which has rows of its own."""
    provider = configuration.values["backend.local.llm.provider"].value
    rows = [
        _entry(setting, configuration.values[key], provider if isinstance(provider, Provider) else None)
        for key, setting in SETTINGS.items()
        if setting.kind is not KeyTable
    ]
    order = {name: place for place, name in enumerate(_FIRST)}
    return sorted(rows, key=lambda row: order.get(row.section.partition(".")[0], len(order)))


def _entry(setting: Setting, value: Value, provider: Provider | None) -> Entry:
    about, in_environment = setting.about, value.origin.source is Source.ENVIRONMENT
    words = documentation()[setting.path]
    way, command = Way.TEXT, ()
    if not setting.in_file:
        way, words = Way.NOT_HERE, f"{words} It is read from the environment alone: export {setting.key}=… first."
    elif about.secret:
        move = about.move.format(provider=provider.value if provider else "anthropic")
        way = Way.COMMAND if move else Way.NOT_HERE
        command = tuple(move.split()[1:])
        words = f"{words} A credential: never written to the file; enter puts it into the keyring."
    elif setting.key == _THEME:
        way = Way.THEME
    text = shown(setting, value.value)
    return Entry(
        key=setting.key,
        section=".".join(setting.path[:-1]) if setting.in_file else "environment alone",
        name=setting.path[-1] if setting.in_file else setting.key,
        value=text,
        written="" if about.secret else text,
        origin=str(value.origin),
        changed=value.origin.source is not Source.DEFAULT,
        about=words,
        may_be=wanted(setting),
        unless=about.default or shown(setting, setting.default),
        counts=_counts(setting),
        over_file=value.origin.name if in_environment else "",
        way=way,
        choices=_choices(setting),
        command=command,
        check=partial(_wrong, setting),
    )


def _counts(setting: Setting) -> str:
    later = setting.about.later
    if later:
        return f"No effect: {later[7:]}." if later.startswith("never: ") else f"It takes effect {later}."
    return _RESTARTED.get(setting.key, "" if setting.path[0] == "tui" else _ANEW)


def _choices(setting: Setting) -> tuple[str, ...]:
    members: Mapping[str, object] = getattr(setting.kind, "__members__", {})
    return ("true", "false") if setting.kind is bool else tuple(map(plain, members.values()))


def _wrong(setting: Setting, text: str) -> str:
    """What is wrong with a text as this setting's value."""
    if not text.strip():
        return "write a value; d takes the setting out of the file"
    try:
        value = parse(setting, text)
    except Refused as refused:
        return str(refused)
    return "it is a folder's path: write one" if isinstance(value, Path) and not value.name else ""

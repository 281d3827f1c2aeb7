"""`stigmer config set` and `unset`: one setting in the file, the rest of it as it was."""

from stigmer_apis.config.document import read_document
from stigmer_apis.config.editing import flat, with_value, without_value
from stigmer_apis.config.file import alone, read_file, write_file
from stigmer_apis.config.keys import KeyTable
from stigmer_apis.config.model import About
from stigmer_apis.config.parsing import Refused, parse, plain
from stigmer_apis.config.schema import SETTINGS, Setting, nearest
from stigmer_apis.errors import ConfigError, NotFound
from stigmer_apis.home import Home


def setting_named(key: str) -> Setting:
    """The setting with this key. Raises `NotFound` with the nearest one."""
    found = SETTINGS.get(key) or _entry_of_a_table(key)
    if found is None:
        near = nearest(key, SETTINGS)
        raise NotFound(
            f"there is no setting {key}",
            remedy=f"did you mean {near}?" if near else "`stigmer config list` shows every setting",
        )
    return found


def _entry_of_a_table(key: str) -> Setting | None:
    """A setting for one entry of a section with names of its own."""
    for table in SETTINGS.values():
        name = key.removeprefix(f"{table.key}.")
        if table.kind is KeyTable and name not in ("", key):
            about = About(default="the preset's keys")
            return Setting(key=key, path=(*table.path, name), kind=str, default="", about=about, in_file=True)
    return None


def set_value(home: Home, key: str, text: str) -> None:
    """Write a setting to the file. Blocking.

    Raises `NotFound` for a key that is none; `ConfigError` for a value that means nothing, for a credential (none is ever written to the file), for one
    that is read from the environment alone, and for a file that cannot be read; `HomeError` where it cannot be written.
    """
    setting = _in_file(key)
    if setting.about.secret:
        move = setting.about.move.format(provider="NAME")
        raise ConfigError(
            f"{key} is a credential, and none is ever written to the file",
            remedy=f"put it into the keyring: `{move}`" if move else f"set {setting.about.variables[0]} instead",
        )
    try:
        value = plain(parse(setting, text)) if not setting.about.older else text.strip()
    except Refused as refused:
        quoted = "that" if refused.is_private else repr(text.strip())
        raise ConfigError(f"{key} cannot be {quoted}: {refused}") from refused
    if not value:
        raise ConfigError(f"{key} needs a value", remedy=f"to take it away: `stigmer config unset {key}`")
    home.prepare_root()
    with alone(home.root):
        write_file(home.config, with_value(read_file(home.config), setting.path, value, str(home.config)))


def unset_value(home: Home, key: str) -> bool:
    """Take a setting out of the file; False where it does not stand there. Raises as `set_value` does. Blocking."""
    setting = _in_file(key)
    if not home.config.exists():
        return False
    with alone(home.root):
        text = read_file(home.config)
        there = flat(read_document(text, str(home.config)))
        names = (setting.path[-1], *setting.about.older)
        paths = [path for name in names if (path := (*setting.path[:-1], name)) in there]
        for path in paths:
            text = without_value(text, path, str(home.config))
        if paths:
            write_file(home.config, text)
    return bool(paths)


def _in_file(key: str) -> Setting:
    setting = setting_named(key)
    if not setting.in_file:
        raise ConfigError(
            f"{key} is read from the environment alone", remedy=f"export {key}=... before you start Stigmer"
        )
    return setting

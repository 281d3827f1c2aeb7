"""`stigmer config`: what is set, where it comes from, and how to change it."""

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec

import click

from stigmer_apis.config import Configuration, load
from stigmer_apis.config.changing import set_value, setting_named, unset_value
from stigmer_apis.config.parsing import plain, shown
from stigmer_apis.config.schema import SETTINGS, Setting
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.cli.connect import complain
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.text import safe

_LIBRARIES = {"telemetry.prometheus": "prometheus_client", "telemetry.endpoint": "opentelemetry"}
"""What settings need that an installation may be without."""


@click.group("config")
def command() -> None:
    """Show and change settings. A flag counts before the environment, that before the file, that before the default.

    \b
    Example:
      stigmer config list
    """


def complete_keys(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Keys for the shell's completion; for `set` and `unset` those that the file may have."""
    in_file = context.info_name in ("set", "unset")
    return [key for key, each in SETTINGS.items() if key.startswith(incomplete) and (each.in_file or not in_file)]


def complete_values(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Values of the setting that stands before, where they are few."""
    setting = SETTINGS.get(str(context.params.get("key", "")))
    if setting is None:
        return []
    known = (
        ["true", "false"]
        if setting.kind is bool
        else [plain(each) for each in getattr(setting.kind, "__members__", {}).values()]
    )
    return [each for each in known if each.startswith(incomplete)]


@command.command("get")
@click.argument("key", shell_complete=complete_keys)
@click.option("--origin", is_flag=True, help="Also say, in a second line, where it comes from.")
def get(key: str, origin: bool) -> int:
    """Print the value of one setting. A credential is masked.

    \b
    Example:
      stigmer config get log.level
    """

    def work() -> int:
        setting = setting_named(key)
        value = configuration().value_of(setting)
        click.echo(safe(shown(setting, value.value)))
        if origin:
            click.echo(safe(str(value.origin)))
        return ExitCode.OK

    return said(work)


@command.command("set")
@click.argument("key", shell_complete=complete_keys)
@click.argument("value", shell_complete=complete_values)
def set_(key: str, value: str) -> int:
    """Write a setting to the file. Comments and the rest of it stay as they are. A credential is refused.

    \b
    Example:
      stigmer config set log.level debug
    """

    def work() -> int:
        set_value(Home.from_environment(), key, value)
        say(setting_named(key))
        return ExitCode.OK

    return said(work)


@command.command("unset")
@click.argument("key", shell_complete=complete_keys)
def unset(key: str) -> int:
    """Take a setting out of the file.

    \b
    Example:
      stigmer config unset log.level
    """

    def work() -> int:
        if not unset_value(Home.from_environment(), key):
            click.echo(f"stigmer: {safe(key)} does not stand in the file", err=True)
        say(setting_named(key))
        return ExitCode.OK

    return said(work)


@command.command("list")
@click.option("--changed", is_flag=True, help="Only what differs from the default.")
@click.option("-o", "output", type=click.Choice(["table", "json"]), default="table", help="How it is shown.")
def list_(changed: bool, output: str) -> int:
    """List every setting, its value, and where that comes from. Credentials are masked.

    \b
    Examples:
      stigmer config list
      stigmer config list --changed -o json
    """

    def work() -> int:
        rows = [
            (key, shown(SETTINGS[key], each.value), str(each.origin))
            for key, each in configuration().values.items()
            if not changed or str(each.origin) != "default"
        ]
        if output == "json":
            click.echo(
                json.dumps([{"key": key, "value": value, "origin": origin} for key, value, origin in rows], indent=2)
            )
        else:
            show_table([("SETTING", "VALUE", "FROM"), *rows])
        return ExitCode.OK

    return said(work)


@command.command("path")
def path() -> int:
    """Print where the file is, whether it exists or not.

    \b
    Example:
      stigmer config path
    """

    def work() -> int:
        click.echo(safe(str(Home.from_environment().config)))
        return ExitCode.OK

    return said(work)


def configuration() -> Configuration:
    """The settings as a command sees them; what the person should know is said on standard error."""
    loaded = load(Home.from_environment())
    for text in (*loaded.notes, *key_problems(loaded)):
        click.echo(f"stigmer: {safe(text)}", err=True)
    return loaded


def key_problems(loaded: Configuration) -> tuple[str, ...]:
    """What cannot be as `tui.keymap` says it."""
    tui = loaded.settings.tui
    if not tui.keymap.entries:
        return ()
    from stigmer_tui.actions.keymap import Preset, Wanted, keymap_of

    wanted = [
        Wanted(entry.action_id, entry.keys, f"{loaded.file}:{entry.line}: tui.keymap") for entry in tui.keymap.entries
    ]
    return keymap_of(Preset(tui.preset.value), wanted).problems


def say(setting: Setting) -> None:
    """What a setting is now, and what hides a change of the file."""
    value = configuration().value_of(setting)
    when = setting.about.later
    words = f"it has no effect: {when[7:]}" if when.startswith("never: ") else f"it has no effect yet: {when}"
    later = f"; {words}" if when else ""
    click.echo(safe(f"{setting.key} is {shown(setting, value.value) or 'not set'} ({value.origin}){later}"))
    library = _LIBRARIES.get(setting.key)
    if library and value.value and find_spec(library) is None:
        click.echo("stigmer: it takes libraries that are not installed: pip install 'stigmer[telemetry]'", err=True)


def show_table(rows: list[tuple[str, str, str]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(len(safe(row[place])) for row in rows) for place in (0, 1)]
    for row in rows:
        cells = [safe(cell).ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def said(work: Callable[[], int]) -> int:
    """Do `work`; what goes wrong is said as every command says it."""
    try:
        return work()
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)

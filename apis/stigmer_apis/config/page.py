"""`docs/configuration.md`: made by `python -m stigmer_apis.config.page > docs/configuration.md`, and kept up to date by a test."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache

from stigmer_apis.config import model
from stigmer_apis.config.parsing import plain, wanted
from stigmer_apis.config.schema import SETTINGS, Setting

_HEAD = """# Configuration

Nothing has to be configured. What can be is listed here; this page is made from the code (`apis/stigmer_apis/config/model.py`).

A setting has its value from the first of these that says one: a **flag** of the command, the **environment**, the **file** `config.yaml` in
Stigmer's home (`STIGMER_HOME`, or `~/.stigmer`), its **default**. `stigmer config list` shows every value and where it comes from.

```console
$ stigmer config set log.level debug
log.level is debug (file, line 2)
$ stigmer config get log.level
debug
$ LOG_LEVEL=warning stigmer config get log.level --origin
warning
environment, LOG_LEVEL
$ stigmer config unset log.level
log.level is info (default)
```

The daemon and the runner read file and environment when they start; the environment that counts is that of the command which started the daemon. A runner
lives through `stigmer server restart`, and keeps the settings that it began with (those of models, walls and its log). `stigmer server stop` ends both, and
cancels what runs; the next command starts them anew.

The file is YAML: sections and values, no lists. `stigmer config set` changes one line of it and leaves comments and order alone. A key that does not exist, a
value of the wrong type or out of its range is an error with its line, and nothing starts until it is mended:

```console exit=65
$ printf 'log:\\n  levle: debug\\n' > "$STIGMER_HOME/config.yaml"; stigmer config list
stigmer: .../config.yaml:2:3: there is no setting log.levle: did you mean log.level?
  ...
```

**Credentials** are never written to the file. One that stands there is used, and every start says how to move it to the keyring.

"""

_TAIL = """
## The directories

| variable | meaning |
|---|---|
| `STIGMER_HOME` | Stigmer's home: everything it keeps. `~/.stigmer` unless set; at most about 80 bytes long where there is no `XDG_RUNTIME_DIR`. |
| `XDG_STATE_HOME` | Where `stigmer/disks.json` notes which other disks hold Stigmer's state, so that one that is not mounted is missed; `~/.local/state` unless set. |
| `XDG_RUNTIME_DIR` | Where sockets and tokens are kept, in `stigmer-<hash of the home>`; without it, in the home. |

## Older names

`backend.local.db_path` and `DB_PATH` name a database file; its folder is taken as `backend.local.data_dir`. `STIGMER_SERVER_ADDR` is another name of
`STIGMER_BACKEND_ENDPOINT`, which wins where both are set.
"""


def configuration_page() -> str:
    """The page, in Markdown."""
    words = documentation()
    parts = [_HEAD]
    section: tuple[str, ...] | None = None
    for setting in SETTINGS.values():
        if setting.path[:-1] != section:
            section = setting.path[:-1]
            parts.append(_section_head(setting, words[section]))
        parts.append(_row(setting, words[setting.path]))
    return "".join([*parts, _TAIL])


def _section_head(setting: Setting, text: str) -> str:
    title = ".".join(setting.path[:-1]) if setting.in_file else "Environment only"
    first = "key" if setting.in_file else "variable"
    return f"\n## {title}\n\n{text}\n\n| {first} | may be | default | meaning |\n|---|---|---|---|\n"


def _row(setting: Setting, text: str) -> str:
    about = setting.about
    names = f"`{setting.path[-1]}`" if setting.in_file else f"`{setting.key}`"
    if setting.in_file and about.variables:
        names += "<br>" + "<br>".join(f"`{name}`" for name in about.variables)
    default = about.default or (f"`{plain(setting.default)}`" if setting.default not in (None, "") else "none")
    words = [text]
    if about.secret:
        words.append("A credential: masked wherever it is shown.")
    if about.later:
        words.append(
            f"Takes effect {about.later}." if not about.later.startswith("never") else f"No effect: {about.later[7:]}."
        )
    return f"| {names} | {wanted(setting)} | {default} | {' '.join(words)} |\n"


@cache
def documentation() -> Mapping[tuple[str, ...], str]:
    """The docstrings of sections and settings, by path."""
    classes = {node.name: node for node in ast.parse(inspect.getsource(model)).body if isinstance(node, ast.ClassDef)}
    return dict(_of_class(classes, "Settings", ()))


def _of_class(
    classes: dict[str, ast.ClassDef], name: str, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    node = classes[name]
    yield path, " ".join((ast.get_docstring(node) or "").split())
    for each, below in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
            continue
        where = (*path, each.target.id)
        if isinstance(each.annotation, ast.Name) and each.annotation.id in classes and each.annotation.id != "Form":
            yield from _of_class(classes, each.annotation.id, where)
        elif (
            isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
        ):
            yield where, " ".join(below.value.value.split())
        else:
            raise ValueError(f"the setting {'.'.join(where)} has no documentation below it")


if __name__ == "__main__":
    sys.stdout.write(configuration_page())

"""Resources as text: tables, JSON, YAML, names, or what a JSONPath finds."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from stigmer_tui.text import safe


class Form(StrEnum):
    """How something is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    JSONPATH = "jsonpath"


@dataclass(frozen=True, slots=True)
class Output:
    """What `-o` asked for."""

    form: Form
    path: str = ""
    """The JSONPath."""

    @property
    def is_table(self) -> bool:
        """Whether it is for a person."""
        return self.form in (Form.TABLE, Form.WIDE)


class OutputForm(click.ParamType[Output]):
    """`table`, `wide`, `json`, `yaml`, `name` or `jsonpath=PATH`."""

    name = "form"

    def __init__(self, *forms: Form) -> None:
        self._forms = forms or tuple(Form)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """As the help shows it."""
        return "|".join(f"{form}=PATH" if form is Form.JSONPATH else form.value for form in self._forms)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:
        """The form. Fails as wrong usage."""
        if isinstance(value, Output):
            return value
        form, _, path = str(value).partition("=")
        if form not in list(self._forms):
            self.fail(f"{value!r} is none of {', '.join(self._forms)}.", param, ctx)
        if form == Form.JSONPATH and not path:
            self.fail("jsonpath wants a path, such as jsonpath='$[*].metadata.name'.", param, ctx)
        if form == Form.JSONPATH:
            _check_path(self, path, param, ctx)
        return Output(Form(form), path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """The forms."""
        shown = [f"{form}=" if form is Form.JSONPATH else form.value for form in self._forms]
        return [CompletionItem(form) for form in shown if form.startswith(incomplete)]


def _check_path(kind: OutputForm, path: str, param: click.Parameter | None, ctx: click.Context | None) -> None:
    from jsonpath import JSONPathError, compile

    try:
        compile(path)
    except JSONPathError as error:
        kind.fail(f"{path!r} is no JSONPath: {str(error).splitlines()[0]}", param, ctx)


def to_json(data: object) -> str:
    """As JSON of ASCII alone, which no terminal misreads."""
    return json.dumps(data, indent=2, ensure_ascii=True)


def as_it_is(text: str) -> str:
    """Text of several lines: exactly for a file or a program, harmless for a terminal."""
    return safe(text, lines=True) if sys.stdout.isatty() else text


def print_found(path: str, data: Any) -> None:
    """What a JSONPath finds, one value a line: text as it is, all else as JSON."""
    from jsonpath import findall

    for found in findall(path, data):
        click.echo(as_it_is(found) if isinstance(found, str) else json.dumps(found, ensure_ascii=True))


def print_data(output: Output, data: Any, names: Sequence[str]) -> None:
    """`data`, a list or one object, in a form that is not a table; `names` are its names."""
    match output.form:
        case Form.JSON:
            click.echo(to_json(data))
        case Form.YAML:
            from stigmer_tui.manifests.writing import to_yaml, to_yaml_documents

            shown = to_yaml_documents(cast("list[Any]", data)) if isinstance(data, list) else to_yaml(data)
            click.echo(as_it_is(shown), nl=False)
        case Form.NAME:
            for name in names:
                click.echo(safe(name))
        case Form.JSONPATH:
            print_found(output.path, data)
        case Form.TABLE | Form.WIDE:
            raise ValueError("a table is printed by whoever knows its columns")

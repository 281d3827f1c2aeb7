"""References to secrets: an expression gives a mark in place of a value, which becomes the value just before it is used."""

import json
from collections.abc import Mapping
from typing import cast

from stigmer_runner.durable.workflow_messages import SECRET_MARKER
from stigmer_runner.redaction import Redactor
from stigmer_runner.workflow.problems import Kind, TaskProblem

_SIGN = "\u2060"
"""What every reference begins with."""


class Secrets:
    """The values of one run. Marks are filled in on the way to a task's work; values are taken out of what comes from it."""

    def __init__(self, values: Mapping[str, str], hidden: Mapping[str, str]) -> None:
        """`values`: what can be referred to. `hidden`: what nothing may show, by what is shown in its place."""
        self._values = values
        self._hidden = dict(hidden)
        self._redactor = Redactor(self._hidden)

    def value(self, name: str) -> str:
        """The secret `name`. Raises `TaskProblem`."""
        found = self._values.get(name)
        if found is None:
            raise TaskProblem(
                Kind.CONFIGURATION,
                f"there is no secret {name!r} in this run",
                "give it a value in the workflow's variables, its instance or with the run (`--env`)",
            )
        return found

    def used(self, text: str) -> Mapping[str, object]:
        """The values in a secret that holds several, for `use:` in an authentication: a JSON object. Raises `TaskProblem`."""
        try:
            value: object = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise TaskProblem(
                Kind.CONFIGURATION,
                "the secret that the authentication uses is no JSON object",
                'a secret that is used whole looks like {"username": "...", "password": "..."}',
            )
        fields = cast("dict[str, object]", value)
        for key, each in fields.items():
            if isinstance(each, str):
                self.learn(key, each)
        return fields

    def learn(self, name: str, value: str) -> None:
        """One more value that nothing may show, such as a token that was handed out."""
        if value and self._hidden.get(name) != value:
            self._hidden[name] = value
            self._redactor = Redactor(self._hidden)

    @property
    def redactor(self) -> Redactor:
        """Takes them out of bytes and texts."""
        return self._redactor

    def filled(self, value: object) -> object:
        """`value`, of JSON, with secrets in place of their marks. Raises `TaskProblem`."""
        match value:
            case str():
                return self.filled_text(value)
            case list():
                return [self.filled(each) for each in cast("list[object]", value)]
            case dict():
                pairs = cast("dict[str, object]", value).items()
                return {self.filled_text(key): self.filled(each) for key, each in pairs}
            case _:
                return value

    def filled_text(self, text: str) -> str:
        """`text` with secrets in place of their marks. Raises `TaskProblem`."""
        return SECRET_MARKER.sub(lambda found: self.value(found[1]), text) if _SIGN in text else text

    def cleaned(self, value: object) -> object:
        """`value`, of JSON, as it comes from outside: without secrets, and without anything that looks like a reference to one,
        so that nobody outside can have a secret put into what is sent to them."""
        match value:
            case str():
                return self.cleaned_text(value)
            case list():
                return [self.cleaned(each) for each in cast("list[object]", value)]
            case dict():
                pairs = cast("dict[str, object]", value).items()
                return {self.cleaned_text(key): self.cleaned(each) for key, each in pairs}
            case _:
                return value

    def cleaned_text(self, text: str) -> str:
        """The same for a text."""
        text = self._redactor.text(text)
        return SECRET_MARKER.sub(r"{stigmer-secret:\1}", text) if _SIGN in text else text


def shown(text: str) -> str:
    """`text` as a person sees it: with `[secret NAME]` in place of references."""
    return SECRET_MARKER.sub(r"[secret \1]", text) if _SIGN in text else text

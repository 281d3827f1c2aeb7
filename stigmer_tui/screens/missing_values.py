"""What a run needs and does not have yet, asked for before it starts: secrets typed unseen, kept nowhere here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.events import Key
from textual.widgets import Input

from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import ListMissingKeysResponse
from stigmer_apis.errors import FailedPrecondition, NotFound, Unimplemented
from stigmer_tui.screens.dialog import Dialog
from stigmer_tui.text import safe
from stigmer_tui.widgets.line import Line

if TYPE_CHECKING:
    from stigmer_apis.client import Client

Missing = ListMissingKeysResponse.Missing


@dataclass(frozen=True, slots=True)
class Given:
    """What a person gave for one run."""

    variables: Mapping[str, str]
    """What may be shown."""
    secrets: Mapping[str, str]
    """What may not."""


NOTHING = Given({}, {})


class MissingValue(Dialog[str]):
    """Asks for one value; answers it, or nothing where the person leaves."""

    CSS_PATH = "missing_values.tcss"

    def __init__(self, missing: Missing) -> None:
        super().__init__()
        self._missing = missing
        self.input = Input(password=missing.is_secret, id="missing-input")

    def compose(self) -> ComposeResult:
        """What is missing, what it is for, where it goes, and a line that shows dots for a secret."""
        name, reason, what, keys = Line(), Line(classes="muted"), Line(classes="muted"), Line(classes="muted")
        kept = "Kept in the daemon's memory until it stops." if self._missing.provider else "For this run alone."
        name.say([(f"{safe(self._missing.variable)} is missing", "title")])
        reason.say([(safe(self._missing.reason), "text")])
        what.say([(kept, "muted")])
        keys.say([("Enter gives it, Esc does not start the run.", "muted")])
        with Vertical(id="missing"):
            yield name
            yield reason
            yield self.input
            yield what
            yield keys

    def on_mount(self) -> None:
        """Keys go to the line."""
        self.input.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """It is given. An empty line gives nothing."""
        event.stop()
        if event.value:
            self.dismiss(event.value)

    def on_key(self, event: Key) -> None:
        """Esc leaves."""
        if event.key == "escape":
            event.stop()
            self.dismiss("")


async def provide_missing(app: App[int], client: "Client", agent: str) -> Given:
    """Ask for what `agent` misses, one after the other; keys of providers go to the daemon, other values are returned for the run.

    For a worker of the app. Raises `FailedPrecondition` where the person leaves.
    """
    try:
        missing = await client.secrets.missing(agent)
    except (NotFound, Unimplemented):
        # Whoever starts the run says it better; and a server without secrets misses none.
        return NOTHING
    variables: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for one in missing:
        value = await app.push_screen_wait(MissingValue(one))
        if not value:
            raise FailedPrecondition(
                f"{one.variable} is missing ({one.reason}), so the run was not started",
                remedy=f"give it when you are asked, or: {_command(one)}",
            )
        if one.provider:
            await client.secrets.set_provider_key(one.provider, value.encode())
        else:
            (secrets if one.is_secret else variables)[one.variable] = value
    return Given(variables, secrets)


def _command(missing: Missing) -> str:
    if missing.provider:
        return f"stigmer secrets provider set {missing.provider}"
    if not missing.is_secret:
        return f"stigmer environment set ENVIRONMENT {missing.variable}=VALUE"
    return f"stigmer secrets set {missing.variable} --environment ENVIRONMENT"

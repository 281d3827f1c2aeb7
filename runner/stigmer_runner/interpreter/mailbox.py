"""Signals and events that have come: kept until a task listens for them."""

import json
from dataclasses import dataclass

from stigmer_apis.workflow.document_json import Json
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.texts import unmarked

MOST = 10_000
"""What waits for nobody yet; the oldest makes room."""


@dataclass(slots=True)
class Letter:
    """One signal or event."""

    number: int
    """Counted from 1 in the order of coming."""
    name: str
    event: dict[str, Json]
    """As a CloudEvent."""
    is_event: bool
    taken: bool = False


class Mailbox:
    """What has come for one run. A letter that was taken is still there for those who were listening when it came."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.came = 0
        """How many have come."""
        self._listening = 0

    def put(self, name: str, data_json: str, signal_id: str, *, is_event: bool) -> Letter:
        """Another one."""
        data = unmarked(json.loads(data_json)) if data_json else None
        self.came += 1
        identity = signal_id or str(self.came)
        if is_event and isinstance(data, dict):
            event = {"id": identity, "type": name, **data}
        else:
            event: dict[str, Json] = {
                "specversion": "1.0",
                "id": identity,
                "source": "/signals",
                "type": name,
                "time": workflow.now().isoformat(),
                "datacontenttype": "application/json",
                "data": data,
            }
        letter = Letter(self.came, name, event, is_event)
        self.letters.append(letter)
        if len(self.letters) > MOST:
            del self.letters[: len(self.letters) - MOST]
        return letter

    async def another(self) -> None:
        """Wait for the next one."""
        came = self.came
        await workflow.wait_condition(lambda: self.came != came)

    def begin(self) -> int:
        """Somebody listens from now on: the number of the last letter that had come."""
        self._listening += 1
        return self.came

    def end(self) -> None:
        """They do not listen any more."""
        self._listening -= 1
        if self._listening == 0:
            self.letters = [letter for letter in self.letters if not letter.taken]

    def data(self) -> list[Json]:
        """What nobody has taken, for the run that goes on."""
        return [
            [letter.number, letter.name, letter.event, letter.is_event] for letter in self.letters if not letter.taken
        ]

    def restore(self, came: int, data: Json) -> None:
        """Take over what the run before had."""
        self.came = came
        for each in data if isinstance(data, list) else ():
            match each:
                case [int(number), str(name), dict(event), bool(is_event)]:
                    self.letters.append(Letter(number, name, event, is_event))
                case _:
                    continue

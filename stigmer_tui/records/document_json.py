"""A run as one JSON document: what it is, and all its events as protobuf JSON with their sequences. Nothing is left out or cut."""

import json
from collections.abc import Callable

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event

FORMAT = "stigmer-run"
VERSION = 1


class JsonWriter:
    """Writes events out, one a line, inside of one document. Only ASCII leaves."""

    def __init__(self, write: Callable[[str], object], execution: Message) -> None:
        """`execution` is the resource, without what the events say."""
        self._write = write
        self._first = True
        about = json.dumps(MessageToDict(execution), ensure_ascii=True)
        write(f'{{"format": "{FORMAT}", "version": {VERSION}, "execution": {about}, "events": [')

    def take(self, seq: int, event: Event) -> None:
        """The next event."""
        line = json.dumps({"seq": seq, **MessageToDict(event)}, ensure_ascii=True, separators=(",", ":"))
        self._write(f"{'' if self._first else ','}\n{line}")
        self._first = False

    def finish(self) -> None:
        """The end of the document."""
        self._write("\n]}\n")

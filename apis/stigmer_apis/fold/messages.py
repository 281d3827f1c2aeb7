"""Messages of the status."""

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import MessageCompleted, MessageStarted, TextDelta
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.fold.bounds import Ledger
from stigmer_apis.fold.lines import LastLine
from stigmer_apis.fold.texts import MAX_NOTE_BYTES, MAX_TEXT_BYTES, GrowingText, cut, size_of
from stigmer_apis.fold.times import rfc3339


def message_at(place: int) -> str:
    """The id of a message of a reported status: it has none but its place."""
    return f"status/{place}"


class Messages:
    """Messages as they grow. A message's place counts from the first one ever, also where that was left out."""

    def __init__(self, state: FoldState, lines: LastLine, ledger: Ledger) -> None:
        self._state = state
        self._lines = lines
        self._ledger = ledger
        self._texts: dict[str, GrowingText] = {}

    def started(self, event: MessageStarted, micros: int) -> None:
        """A message begins."""
        if event.message_id in self._state.open_messages:
            return
        status = self._state.status
        index = len(status.messages)
        message = status.messages.add(type=event.type, timestamp=rfc3339(micros))
        self._state.open_messages[event.message_id] = status.omitted_messages + index
        self._ledger.set_message(index, message, 0)

    def delta(self, event: TextDelta) -> None:
        """More text."""
        index = self.index_of(event.message_id)
        if index is None:
            return
        text = self._texts.get(event.message_id)
        if text is None:
            text = self._texts[event.message_id] = GrowingText(self._state.status.messages[index].content)
        before = len(text)
        text.add(event.text)
        self._ledger.grow_message(index, len(text) - before)
        self._lines.feed(_source(event.message_id), event.text.encode())

    def completed(self, event: MessageCompleted) -> None:
        """A message is whole."""
        index = self.index_of(event.message_id)
        if index is None:
            return
        message = self._state.status.messages[index]
        text = self._texts.pop(event.message_id, None)
        if event.HasField("content"):
            message.content = cut(event.content, MAX_TEXT_BYTES)
            self._lines.say(event.content)
        elif text is not None:
            message.content = text.text()
        if event.interrupted:
            message.metadata.fields["interrupted"].string_value = cut(event.interrupted, MAX_NOTE_BYTES)
        self._ledger.set_message(index, message, size_of(message.content))
        self._lines.close(_source(event.message_id))
        del self._state.open_messages[event.message_id]

    def index_of(self, message_id: str) -> int | None:
        """Where in the status the open message stands; None where it is not open."""
        place = self._state.open_messages.get(message_id)
        return None if place is None else place - self._state.status.omitted_messages

    def text_bytes(self, message_id: str) -> int:
        """Bytes of an open message's text."""
        text = self._texts.get(message_id)
        index = self.index_of(message_id)
        if text is not None or index is None:
            return len(text or ())
        return size_of(self._state.status.messages[index].content)

    def forget_omitted(self) -> None:
        """Some of the oldest were left out: open ones among them grow no more."""
        omitted = self._state.status.omitted_messages
        for message_id in [key for key, place in self._state.open_messages.items() if place < omitted]:
            del self._state.open_messages[message_id]
            self._texts.pop(message_id, None)
            self._lines.close(_source(message_id))

    def close_all(self) -> None:
        """No message grows any more."""
        self.flush()
        self._state.open_messages.clear()

    def flush(self) -> int:
        """Write the texts that grew to the state, and return how many bytes that was."""
        written = 0
        for message_id, text in self._texts.items():
            index = self.index_of(message_id)
            if index is not None and text.grew:
                self._state.status.messages[index].content = text.text()
                written += len(text)
        self._texts.clear()
        return written


def _source(message_id: str) -> str:
    """The message as a source of lines; terminals have ids of another form."""
    return f"message/{message_id}"

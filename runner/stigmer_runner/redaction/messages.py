"""Secrets out of the texts of a message, such as an event."""

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from stigmer_runner.redaction.redactor import Redactor


def redact_message(redactor: Redactor, message: Message) -> None:
    """Take secrets out of every text in `message`, in place. Bytes are left: a terminal's go through a stream."""
    if redactor.empty:
        return
    for field, value in message.ListFields():
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            if entry.fields_by_name["value"].type == FieldDescriptor.TYPE_MESSAGE:
                for each in value.values():
                    redact_message(redactor, each)
            elif entry.fields_by_name["value"].type == FieldDescriptor.TYPE_STRING:
                for key in list(value):
                    value[key] = redactor.text(value[key])
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in value if field.is_repeated else (value,):
                redact_message(redactor, each)
        elif field.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                value[:] = [redactor.text(each) for each in value]
            else:
                setattr(message, field.name, redactor.text(value))

"""Secrets are taken out of whatever leaves the runner: terminals, results of tools, a model's text.

It is the last layer, not a wall: who can run commands can write a secret in a form that nobody knows. It keeps secrets from
leaving by accident.

Layers, lowest first: `variants`; `matcher`; `stream`; `redactor`; `messages`.
"""

from stigmer_runner.redaction.messages import redact_message
from stigmer_runner.redaction.redactor import NOTHING, Redactor, TextStream
from stigmer_runner.redaction.stream import RedactingStream

__all__ = ["NOTHING", "RedactingStream", "Redactor", "TextStream", "redact_message"]

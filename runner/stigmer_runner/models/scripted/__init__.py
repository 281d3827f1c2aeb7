"""A scripted provider: what a script says, in three wire formats, over loopback HTTP.

    async with ScriptedProvider(Script.of(Turn("Hello."))) as provider:
        ...  # a client with the base URL provider.url

On the command line: `python -m stigmer_runner.models.scripted SCRIPT.yaml`. Nothing here imports a model library.
"""

from stigmer_runner.models.scripted.reading import ScriptRefused, parse_script, read_script
from stigmer_runner.models.scripted.script import (
    Conversation,
    Fault,
    FaultKind,
    Script,
    ScriptedCall,
    ScriptedUsage,
    Turn,
)
from stigmer_runner.models.scripted.server import Recorded, ScriptedProvider

__all__ = [
    "Conversation",
    "Fault",
    "FaultKind",
    "Recorded",
    "Script",
    "ScriptRefused",
    "ScriptedCall",
    "ScriptedProvider",
    "ScriptedUsage",
    "Turn",
    "parse_script",
    "read_script",
]

"""What a list of runs says while nothing has run: how to begin, with a model and without one. Pure."""

from collections.abc import Sequence

from stigmer_apis.ollama import SUGGESTED
from stigmer_tui.widgets.line import Part

Words = Sequence[Part]
MOST = 10
"""Lines at most."""
_COMMANDS = 24


def welcome(*, shell: bool, model: bool | None, rows: int) -> list[Words]:
    """The lines, as many as have room in `rows`.

    `shell`: whether what is written is a command line, and not for an agent. `model`: whether a model can be asked; None where that is not known yet.
    """
    first = "Nothing has run yet. Type a command line below; enter runs it in a sandbox."
    if not shell:
        first = "Nothing has run yet. Say below what is to be done; enter has the agent do it."
    lines: list[Words] = [
        [(first, "text")],
        [("It goes on when you leave. ctrl+p lists what you can do, F1 explains the keys.", "muted")],
    ]
    if model is None:
        return lines
    if model:
        more = [_key("alt+g", "gives work to an agent, not to the shell")]
        head = "A model is there, so agents can work for you:"
    else:
        head = "Agents need a model, and none is set up yet. Type one of these:"
        more = [
            _key(":key anthropic", "or openai; asks for your key, keeps it sealed"),
            _key(f":pull {SUGGESTED[0]}", "no key: a model on this machine, by Ollama"),
            _key(":demo", "neither: an agent at work on a script"),
        ]
    more += [_key(":doctor", "what works on this machine"), _key(":agents", "who there is to give work to")]
    block: list[Words] = [[("", "muted")], [(head, "text")], *more]
    return lines if len(lines) + len(block) > rows else [*lines, *block]


def _key(keys: str, words: str) -> Words:
    return [(f"  {keys:<{_COMMANDS}}", "accent"), (words, "muted")]

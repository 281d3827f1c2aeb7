"""A block as Markdown, to paste elsewhere. Its text is as it came: it leaves through the clipboard or into a file, not onto the screen."""

import re

from stigmer_tui.transcript.blocks import (
    AgentText,
    Artifact,
    Block,
    FileDiff,
    PersonLine,
    Remark,
    Step,
    TodoList,
    ToolCall,
    Usage,
    usage_words,
)
from stigmer_tui.transcript.calls import outcome_words

_FENCES = re.compile(r"`{3,}")
_BOXES = {"✓": "x"}


def markdown_of(block: Block) -> str:
    """The block, its folded parts too, with a line end."""
    match block:
        case PersonLine():
            text = "\n".join(f"> {line}".rstrip() for line in block.text.split("\n"))
        case AgentText():
            thought = f"<details><summary>Reasoning</summary>\n\n{block.reasoning}\n\n</details>\n\n"
            text = f"{thought if block.reasoning else ''}{block.text}"
        case ToolCall():
            text = _call(block)
        case Remark():
            text = f"*{block.text}*"
        case TodoList():
            text = "\n".join(f"- [{_BOXES.get(shape, ' ')}] {words}" for shape, words in block.items)
        case Step():
            parts = (f"**{block.name}**", block.input, block.output, block.error)
            text = "\n\n".join(part for part in parts if part)
        case FileDiff():
            text = f"`{block.path}` {block.change}\n\n{fenced(block.diff, 'diff')}"
        case Usage():
            text = f"*{usage_words(block)}*"
        case Artifact():
            text = f"- {block.name} (`{block.artifact_id}`)"
    return text.rstrip("\n") + "\n"


def _call(block: ToolCall) -> str:
    shell = block.name == "shell"
    parts = [fenced(block.command, "console" if shell else "") if shell else f"**{block.name}** {block.command}"]
    if block.args:
        parts.append(fenced(block.args, "json"))
    parts.append(f"*{outcome_words(block)}{f'; {block.decision}' if block.decision else ''}*")
    parts += [fenced(text, "") for text in (block.error, block.result) if text]
    return "\n\n".join(parts)


def fenced(text: str, language: str) -> str:
    """Text between fences that are longer than any within it."""
    longest = max((len(found) for found in _FENCES.findall(text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"

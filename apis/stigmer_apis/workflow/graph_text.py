"""A document as a tree of lines."""

from collections.abc import Iterator

from stigmer_apis.workflow.model import Workflow
from stigmer_apis.workflow.outline import Group, Item, heading, outline, turn_words


def graph_text(workflow: Workflow) -> str:
    """The lines, each with its end. What the file says is in them as it stands."""
    return "".join(f"{line}\n" for line in (heading(workflow), *_group(outline(workflow), "")))


def _group(group: Group, margin: str) -> Iterator[str]:
    for at, item in enumerate(group.items):
        is_last = at + 1 == len(group.items)
        corner, below = (
            ("╞═ ", "│  ")
            if group.is_parallel and not is_last
            else ("╘═ ", "   ")
            if group.is_parallel
            else ("├─ ", "│  ")
        )
        if not group.is_parallel and is_last:
            corner, below = "└─ ", "   "
        yield f"{margin}{corner}{_line(item)}"
        yield from _inside(item, margin + below)


def _line(item: Item) -> str:
    alone = [turn for turn in item.turns if not turn.label]
    return "  ".join(
        part
        for part in (
            item.name,
            f"[{item.kind}]",
            item.about,
            f"if {item.condition}" if item.condition else "",
            *(turn_words(turn) for turn in alone),
        )
        if part
    )


def _inside(item: Item, margin: str) -> Iterator[str]:
    named = [turn for turn in item.turns if turn.label]
    for turn in named:
        yield f"{margin}{'│' if item.groups else ' '}  {turn_words(turn)}".rstrip()
    labels = len(item.groups) > 1 or any(group.label in ("catch", "foreach") for group in item.groups)
    for group in item.groups:
        if labels and group.label != "try":
            yield f"{margin}{group.label}:"
        yield from _group(group, margin)

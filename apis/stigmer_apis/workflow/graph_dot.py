"""A document for Graphviz."""

import re
from itertools import count

from stigmer_apis.workflow.flow import END
from stigmer_apis.workflow.model import Workflow
from stigmer_apis.workflow.outline import Group, Item, heading, outline


def graph_dot(workflow: Workflow) -> str:
    """A digraph: a task with tasks inside of it is a cluster."""
    drawing = _Drawing()
    lines = [
        f"digraph {quoted(heading(workflow))} {{",
        "  compound=true; rankdir=TB;",
        '  node [shape=box, style=rounded, fontname="sans-serif"]; edge [fontname="sans-serif"];',
        '  begin [shape=circle, label="", width=0.2]; end [shape=doublecircle, label="", width=0.2];',
    ]
    top = outline(workflow)
    firsts, lasts = drawing.group(top, "  ")
    lines += drawing.lines
    lines += [f"  begin -> {first};" for first in firsts]
    lines += [f"  {last} -> end;" for last in lasts]
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    """A text as DOT has it, without what controls anything."""
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", " ", text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Drawing:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self._ids = (f"t{number}" for number in count())

    def group(self, group: Group, margin: str) -> tuple[list[str], list[str]]:
        """Draw a list. Returns where it is entered and where it is left."""
        ids = [next(self._ids) for _ in group.items]
        ends = [self._item(item, name, margin) for item, name in zip(group.items, ids, strict=True)]
        if group.is_parallel:
            return ids, [last for lasts in ends for last in lasts]
        left: list[str] = []
        for at, (item, lasts) in enumerate(zip(group.items, ends, strict=True)):
            if item.goes_on:
                if at + 1 < len(ids):
                    self.lines += [f"{margin}{last} -> {ids[at + 1]};" for last in lasts]
                else:
                    left += lasts
            for turn in item.turns:
                to = ids[turn.position] if turn.position is not None else "end" if turn.to == END else ""
                label = f" [label={quoted(turn.label)}]" if turn.label else ""
                self.lines += [f"{margin}{last} -> {to}{label};" for last in lasts if to]
                left += lasts if not to and not item.goes_on else []
        return ids[:1], left

    def _item(self, item: Item, name: str, margin: str) -> list[str]:
        """Draw a task. Returns what goes on from it."""
        words = [item.name, item.kind, item.about, f"if {item.condition}" if item.condition else ""]
        label = "\\n".join(quoted(word)[1:-1] for word in words if word)
        shape = ", shape=diamond, style=solid" if item.kind == "switch" else ""
        if not item.groups:
            self.lines.append(f'{margin}{name} [label="{label}"{shape}];')
            return [name]
        self.lines += [f"{margin}subgraph cluster_{name} {{", f'{margin}  {name} [label="{label}"{shape}];']
        ends: list[str] = []
        for group in item.groups:
            firsts, lasts = self.group(group, f"{margin}  ")
            style = " [style=dashed, label=catch]" if group.label == "catch" else ""
            self.lines += [f"{margin}  {name} -> {first}{style};" for first in firsts]
            ends += lasts
        self.lines.append(f"{margin}}}")
        return list(dict.fromkeys(ends)) or [name]

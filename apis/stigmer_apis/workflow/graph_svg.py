"""A document as a picture: tasks from top to bottom, branches side by side, turns beside them."""

import re
from dataclasses import dataclass
from html import escape

from stigmer_apis.workflow.model import Workflow
from stigmer_apis.workflow.outline import Group, Item, heading, outline, turn_words

_CHARACTER, _LINE, _PADDING, _GAP = 7.2, 16.0, 12.0, 26.0
_STYLE = (
    "text{font:12px ui-monospace,monospace;fill:#1f2430}.kind{fill:#5a6372}.turn{fill:#8a4b08}"
    "rect{fill:#fff;stroke:#5a6372;rx:6}.inside{fill:#f4f6fa;stroke:#b6bfcc}.catch{stroke-dasharray:5 3}"
    "path{fill:none;stroke:#5a6372;marker-end:url(#a)}.jump{stroke:#8a4b08;stroke-dasharray:4 3}"
)


@dataclass(frozen=True, slots=True)
class Box:
    """A task, or a list of them, with how much room it takes."""

    width: float
    height: float
    lines: tuple[tuple[str, str], ...] = ()
    """Class and text."""
    style: str = ""
    is_row: bool = False
    item: Item | None = None
    boxes: "tuple[Box, ...]" = ()


def graph_svg(workflow: Workflow) -> str:
    """A standalone SVG document."""
    title = clean(heading(workflow))
    box = _group(outline(workflow))
    room = 20.0 + _turn_room(box)
    width, height = max(box.width + room, len(title) * _CHARACTER + 40) + 20, box.height + 70
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">',
        f"<title>{title}</title><style>{_STYLE}</style>",
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" style="fill:#5a6372;stroke:none;marker-end:none"/></marker></defs>',
        '<rect class="paper" x="0" y="0" width="100%" height="100%" style="fill:#fff;stroke:none"/>',
        f'<text x="20" y="26" style="font-weight:bold">{title}</text>',
    ]
    _draw(box, 20.0, 46.0, out)
    return "\n".join([*out, "</svg>", ""])


def clean(text: str) -> str:
    """Text that is safe in XML."""
    return escape(re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", " ", text))


def _item(item: Item, above: str = "") -> Box:
    lines = [("turn", above)] if above else []
    lines += [("", item.name), ("kind", " · ".join(part for part in (item.kind, item.about) if part))]
    lines += [("kind", f"if {item.condition}")] if item.condition else []
    lines += [("turn", turn_words(turn)) for turn in item.turns]
    groups = tuple(_group(group) for group in item.groups)
    width = max([len(text) * _CHARACTER for _, text in lines] + [group.width for group in groups]) + 2 * _PADDING
    height = len(lines) * _LINE + 2 * _PADDING + sum(group.height + _PADDING for group in groups)
    return Box(max(width, 120.0), height, tuple(lines), "inside" if groups else "", item=item, boxes=groups)


def _group(group: Group) -> Box:
    words = {"catch": "when it fails", "foreach": "for each"}.get(group.label, "")
    boxes = tuple(_item(item, words if at == 0 else "") for at, item in enumerate(group.items))
    style = "catch" if group.label == "catch" else ""
    if group.is_parallel:
        width = sum(box.width for box in boxes) + _GAP * max(len(boxes) - 1, 0)
        return Box(width, max((box.height for box in boxes), default=0.0), style=style, is_row=True, boxes=boxes)
    room = max((_turn_room(Box(0, 0, item=item)) for item in group.items), default=0.0)
    height = sum(box.height for box in boxes) + _GAP * max(len(boxes) - 1, 0)
    return Box(max((box.width for box in boxes), default=0.0) + room, height, style=style, boxes=boxes)


def _turn_room(box: Box) -> float:
    """What the arrows of turns need on the right."""
    return 34.0 if box.item is not None and any(turn.position is not None for turn in box.item.turns) else 0.0


def _draw(group: Box, x: float, y: float, out: list[str]) -> None:
    """Draw a list at a place."""
    tops: list[float] = []
    at_x, at_y = x, y
    for position, box in enumerate(group.boxes):
        tops.append(at_y)
        out.append(
            f'<rect class="{box.style} {group.style}" x="{at_x:.1f}" y="{at_y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"/>'
        )
        line_y = at_y + _PADDING + 11
        for style, text in box.lines:
            out.append(f'<text class="{style}" x="{at_x + _PADDING:.1f}" y="{line_y:.1f}">{clean(text)}</text>')
            line_y += _LINE
        below = at_y + _PADDING + len(box.lines) * _LINE
        for inner in box.boxes:
            _draw(inner, at_x + _PADDING, below + _PADDING / 2, out)
            below += inner.height + _PADDING
        if group.is_row:
            at_x += box.width + _GAP
            continue
        bottom = at_y + box.height
        if box.item is not None and box.item.goes_on and position + 1 < len(group.boxes):
            out.append(f'<path d="M{x + 40:.1f} {bottom:.1f}V{bottom + _GAP:.1f}"/>')
        at_y = bottom + _GAP
    if not group.is_row:
        _jumps(group, x, tops, out)


def _jumps(group: Box, x: float, tops: list[float], out: list[str]) -> None:
    """The turns to other tasks of the list, on the right of it."""
    for box, top in zip(group.boxes, tops, strict=True):
        for number, turn in enumerate(box.item.turns if box.item is not None else ()):
            if turn.position is None:
                continue
            target = group.boxes[turn.position]
            begin_x, begin_y = x + box.width, top + box.height / 2 + 4 * number
            end_x, end_y = x + target.width, tops[turn.position] + target.height / 2
            out_x = max(begin_x, end_x) + 26
            out.append(
                f'<path class="jump" d="M{begin_x:.1f} {begin_y:.1f}C{out_x:.1f} {begin_y:.1f} {out_x:.1f} {end_y:.1f} {end_x:.1f} {end_y:.1f}"/>'
            )

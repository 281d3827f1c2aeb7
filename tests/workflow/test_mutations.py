"""Whatever stands in the place of whatever: there is an answer, and what is valid can be drawn."""

import random
from collections.abc import Sequence

import pytest

from stigmer_apis.documents.nodes import Entry, ListNode, MapNode, Node, Place, Scalar, ScalarType
from stigmer_apis.documents.parsing import parse
from stigmer_apis.documents.sources import Source
from stigmer_apis.workflow.checking import check
from stigmer_apis.workflow.graph_dot import graph_dot
from stigmer_apis.workflow.graph_svg import graph_svg
from stigmer_apis.workflow.graph_text import graph_text
from stigmer_apis.workflow.reading import read_node
from tests.support.scale import scaled
from tests.workflow.documents import EXAMPLES

HERE = Place(1, 1)
ODD: Sequence[Node] = (
    *(Scalar(HERE, kind, text) for kind, text in ((ScalarType.NULL, ""), (ScalarType.BOOLEAN, "yes"), (ScalarType.INTEGER, "-1"))),
    *(Scalar(HERE, ScalarType.TEXT, text) for text in ("", "${", "${ }", "${ $x }", "end", "P", "\u202e\x1b[2J")),
    *(Scalar(HERE, kind, text) for kind, text in ((ScalarType.ODD, "1_0"), (ScalarType.FLOAT, ".inf"), (ScalarType.INTEGER, "9" * 60))),
    ListNode(HERE, ()),
    MapNode(HERE, ()),
    ListNode(HERE, (MapNode(HERE, ()), ListNode(HERE, ()))),
    MapNode(HERE, (Entry(HERE, "", MapNode(HERE, ())),)),
)  # fmt: skip


def parts(node: Node) -> list[Node]:
    match node:
        case MapNode(entries=entries):
            return [node, *(part for entry in entries for part in parts(entry.value))]
        case ListNode(items=items):
            return [node, *(part for item in items for part in parts(item))]
        case Scalar():
            return [node]


def replaced(node: Node, old: Node, new: Node) -> Node:
    if node is old:
        return new
    match node:
        case MapNode(place, entries):
            return MapNode(
                place, tuple(Entry(each.place, each.key, replaced(each.value, old, new)) for each in entries)
            )
        case ListNode(place, items):
            return ListNode(place, tuple(replaced(each, old, new) for each in items))
        case Scalar():
            return node


@pytest.mark.parametrize("seed", range(scaled(4, 200)))
def test_a_document_with_a_part_of_another_in_it_is_answered(seed: int) -> None:
    choice = random.Random(seed)
    answers = parse([Source(path.name, path.read_bytes(), "yaml") for path in EXAMPLES])
    documents = [part for answer in answers for part in answer if isinstance(part, MapNode)]
    stock = [*ODD, *(part for document in documents for part in parts(document))]
    valid = 0
    for _ in range(250):
        document: Node = choice.choice(documents)
        for _ in range(choice.randint(1, 3)):
            document = replaced(document, choice.choice(parts(document)), choice.choice(stock))
        found = check(read_node("f.yaml", document))
        assert all(problem.line >= 1 and problem.what for problem in (*found.errors, *found.warnings))
        if found.workflow is not None:
            for draw in (graph_text, graph_dot, graph_svg):
                draw(found.workflow)
        valid += not found.errors
    assert valid > 0

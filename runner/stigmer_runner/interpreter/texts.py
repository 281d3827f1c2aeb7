"""Parts of documents as plain data, and templates of URIs."""

import re
from urllib.parse import quote

from stigmer_apis.documents.nodes import Entry, MapNode, Node
from stigmer_apis.workflow.document_json import Json, to_data
from stigmer_runner.durable.workflow_messages import SECRET_MARKER

MARK = "\u2060"
"""What a reference to a secret begins with."""

_TEMPLATE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")


def below(node: Node | None, *keys: str) -> Node | None:
    """What stands below these keys."""
    for key in keys:
        entry: Entry | None = node.get(key) if isinstance(node, MapNode) else None
        node = entry.value if entry is not None else None
    return node


def data_below(node: Node | None, *keys: str) -> Json:
    """The same as plain data; null where nothing does."""
    found = below(node, *keys)
    return to_data(found) if found is not None else None


def pointer(path: str, *parts: str | int) -> str:
    """A JSON pointer that goes further."""
    return path + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def unmarked(data: Json) -> Json:
    """Data from outside, in which nothing refers to a secret: nobody gets one by writing its marker."""
    match data:
        case str():
            return SECRET_MARKER.sub(lambda found: found[0][1:], data) if MARK in data else data
        case dict():
            return {key: unmarked(each) for key, each in data.items()}
        case list():
            return [unmarked(each) for each in data]
        case _:
            return data


def filled(template: str, data: Json) -> str:
    """A URI with `{name}` replaced by the data's values, escaped. What has no value is left as it is."""

    def value(found: re.Match[str]) -> str:
        here: Json = data
        for key in found[1].split("."):
            here = here.get(key) if isinstance(here, dict) else None
        if here is None or isinstance(here, dict | list):
            return found[0]
        return quote(("true" if here else "false") if isinstance(here, bool) else str(here), safe="")

    return _TEMPLATE.sub(value, template) if "{" in template else template

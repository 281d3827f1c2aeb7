"""Finds one operation in an OpenAPI document (2.0, 3.0, 3.1), in a process of its own: others wrote it, and it may be large or built to hurt."""

import json
from collections.abc import Mapping
from typing import cast

import yaml

from stigmer_runner.tools.child import serve

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_MOST_LINKS = 50
Fields = Mapping[str, object]


class NotFound(Exception):
    """The document has no such thing; the message says what it has."""


def answer(question: dict[str, object]) -> dict[str, object]:
    """`document`, its text, and `operation` give what is needed to call it, or `wrong` in words."""
    try:
        return _Document(_read(str(question["document"]))).operation(str(question["operation"]))
    except NotFound as error:
        return {"wrong": str(error)}


def _read(text: str) -> Fields:
    try:
        value: object = json.loads(text)
    except ValueError:
        try:
            value = yaml.load(text, Loader=yaml.CSafeLoader)
        except yaml.YAMLError as error:
            raise NotFound(f"it is neither JSON nor YAML: {error}") from error
    if not isinstance(value, dict):
        raise NotFound("it is no mapping")
    found = cast("dict[str, object]", value)
    if "openapi" not in found and "swagger" not in found:
        raise NotFound("it says neither `openapi` nor `swagger`, so it is no OpenAPI document")
    return found


class _Document:
    def __init__(self, root: Fields) -> None:
        self._root = root
        self._old = "swagger" in root

    def operation(self, name: str) -> dict[str, object]:
        known: list[str] = []
        for path, given in self._below(self._root, "paths").items():
            item = self._resolved(given)
            for method in METHODS:
                found = self._resolved(item.get(method))
                if found.get("operationId") == name:
                    return self._told(path, method, item, found)
                known.append(str(found.get("operationId") or ""))
        names = ", ".join(each for each in known if each)[:1000]
        raise NotFound(f"it has no operation {name!r}; it has {names or 'none'}")

    def _told(self, path: str, method: str, item: Fields, operation: Fields) -> dict[str, object]:
        parameters: dict[tuple[object, object], Fields] = {}
        for owner in (item, operation):
            for each in _list(owner.get("parameters")):
                found = self._resolved(each)
                parameters[found.get("name"), found.get("in")] = found
        plain = [found for (_, where), found in parameters.items() if where not in ("body", "formData")]
        return {
            "method": method.upper(),
            "path": path,
            "servers": self._servers(item, operation),
            "parameters": [self._parameter(each) for each in plain],
            "body": self._body(operation, list(parameters.values())),
        }

    def _parameter(self, given: Fields) -> dict[str, object]:
        where, style = str(given.get("in") or "query"), given.get("style")
        several = given.get("explode")
        if several is None:
            several = given.get("collectionFormat") == "multi" if self._old else where in ("query", "cookie")
        return {
            "name": str(given.get("name") or ""),
            "in": where,
            "style": str(style or ""),
            "explode": bool(several),
            "required": bool(given.get("required")),
            "json": "content" in given,
        }

    def _body(self, operation: Fields, parameters: "list[Fields]") -> dict[str, object] | None:
        """Its media type, whether it has to be, and how it is named where it has a name."""
        if self._old:
            consumes = _list(operation.get("consumes")) or _list(self._root.get("consumes"))
            for each in parameters:
                if each.get("in") == "body":
                    kind = str((consumes or ["application/json"])[0])
                    return {
                        "type": kind,
                        "required": bool(each.get("required")),
                        "name": str(each.get("name") or "body"),
                    }
            form = [str(each.get("name")) for each in parameters if each.get("in") == "formData"]
            kind = "application/x-www-form-urlencoded"
            return {"type": kind, "required": False, "name": "body"} if form else None
        if "requestBody" not in operation:
            return None
        body = self._resolved(operation["requestBody"])
        kinds = list(self._below(body, "content"))
        preferred = (
            [kind for kind in kinds if "json" in kind] + [kind for kind in kinds if "urlencoded" in kind] + kinds
        )
        kind = preferred[0] if preferred else "application/json"
        return {"type": kind, "required": bool(body.get("required")), "name": "body"}

    def _servers(self, item: Fields, operation: Fields) -> list[str]:
        if self._old:
            host, base = self._root.get("host"), str(self._root.get("basePath") or "")
            schemes = [str(each) for each in _list(self._root.get("schemes"))] or ["https"]
            scheme = "https" if "https" in schemes else schemes[0]
            return [f"{scheme}://{host}{base}" if host else base or "/"]
        for owner in (operation, item, self._root):
            found = [self._server(self._resolved(each)) for each in _list(owner.get("servers"))]
            if found:
                return found
        return ["/"]

    def _server(self, server: Fields) -> str:
        url = str(server.get("url") or "/")
        for name, variable in self._below(server, "variables").items():
            url = url.replace(f"{{{name}}}", str(self._resolved(variable).get("default", "")))
        return url

    def _below(self, owner: Fields, key: str) -> Fields:
        return self._resolved(owner.get(key))

    def _resolved(self, value: object) -> Fields:
        """A mapping, references within the document followed; empty where there is none."""
        for _ in range(_MOST_LINKS):
            if not isinstance(value, dict):
                return {}
            fields = cast("dict[str, object]", value)
            link = fields.get("$ref")
            if not isinstance(link, str):
                return fields
            if not link.startswith("#/"):
                raise NotFound(f"it refers to another document, which is not read: {link[:200]}")
            value = self._root
            for part in link[2:].split("/"):
                name = part.replace("~1", "/").replace("~0", "~")
                value = _fields(value).get(name)
        raise NotFound("its references go round in circles")


def _fields(value: object) -> Fields:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


if __name__ == "__main__":
    serve(answer)

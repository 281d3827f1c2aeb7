"""What tasks are made of: shaping of data, retries, errors, events, authentication."""

from stigmer_apis.documents.nodes import ListNode, MapNode, Node
from stigmer_apis.workflow.fields import Fields, as_text, described
from stigmer_apis.workflow.values import (
    Authentication,
    Backoff,
    Error,
    EventFilter,
    Events,
    Retry,
    Schema,
    Shaping,
    Span,
    Text,
)

_AUTHENTICATIONS = ("basic", "bearer", "digest", "oauth2", "oidc", "certificate")
_REQUIRED = {"basic": ("username", "password"), "digest": ("username", "password"), "bearer": ("token",)}


def shaping(fields: Fields, key: str) -> Shaping | None:
    """`input`, `output` or `export`."""

    def read(below: Fields) -> Shaping:
        word = "from" if key == "input" else "as"
        expression = below.anything(word)
        if isinstance(expression, ListNode):
            below.wrong(word, "an expression or a mapping is wanted, and this is a list", "write ${ [ ... ] }")
        found = Shaping(below.node.place, expression, below.below("schema", _schema))
        below.done()
        return found

    return fields.below(key, read)


def _schema(fields: Fields) -> Schema:
    form = fields.text("format")
    document = fields.anything("document")
    resource = resource_of(fields, "resource")
    if (document is None) == (resource is None):
        fields.notes.wrong(
            fields.node.place,
            "a schema is either here, as `document`, or elsewhere, as `resource`",
            fields.path,
            "keep exactly one of the two",
        )
    fields.done()
    return Schema(fields.node.place, form.text if form is not None else "json", document, resource)


def resource_of(fields: Fields, key: str, *, required: bool = False) -> MapNode | None:
    """Something that lies elsewhere: `endpoint` (a URI, or `uri` with `authentication`), and perhaps a name."""
    entry = fields.entry(key, required=required)
    if entry is None:
        return None
    below = Fields.of(entry.value, fields.notes, fields.at(key))
    if below is None:
        return None
    below.text("name")
    endpoint(below, "endpoint")
    below.done()
    return below.node


def endpoint(fields: Fields, key: str) -> tuple[Node | None, Text | Authentication | None]:
    """Where a call goes: a URI, an expression, or `uri` with `authentication`."""
    entry = fields.entry(key, required=True, remedy="such as https://example.com/orders")
    if entry is None:
        return None, None
    if isinstance(entry.value, MapNode):
        below = Fields(entry.value, fields.notes, fields.at(key))
        below.text("uri", required=True)
        proof = authentication_of(below, "authentication")
        below.done()
        return entry.value, proof
    text = as_text(entry.value)
    if text is None:
        fields.wrong(
            key, f"a URI is wanted, and this is {described(entry.value)}", "such as https://example.com/orders"
        )
    elif not text.is_expression and "://" not in text.text and not text.text.startswith(("{", "/")):
        fields.wrong(key, f"`{text.text[:60]}` is no URI", "it begins with https:// or http://")
    return entry.value, None


def authentication_of(fields: Fields, key: str) -> Text | Authentication | None:
    """How to prove who is calling: the name of one of `use.authentications`, `use: NAME`, or all of it here."""
    entry = fields.entry(key)
    if entry is None:
        return None
    name = as_text(entry.value)
    if name is not None:
        return name
    below = Fields.of(entry.value, fields.notes, fields.at(key))
    if below is None:
        return None
    if len(below.node.entries) == 1 and (used := below.text("use")) is not None:
        return used
    return authentication(below)


def authentication(fields: Fields) -> Authentication | None:
    """One way to prove who is calling."""
    kinds = [kind for kind in _AUTHENTICATIONS if fields.has(kind)]
    fields.done()
    if len(kinds) != 1:
        fields.notes.wrong(
            fields.node.place,
            "this says no way to prove who is calling" if not kinds else f"{' and '.join(kinds)} exclude each other",
            fields.path,
            f"write one of {', '.join(_AUTHENTICATIONS)}",
        )
        return None
    kind = kinds[0]
    entry = fields.entry(kind)
    below = Fields.of(entry.value, fields.notes, fields.at(kind)) if entry is not None else None
    secret = below.text("use") if below is not None else None
    for needed in _REQUIRED.get(kind, ()) if below is not None and secret is None else ():
        if below is not None:
            below.text(needed, required=True, remedy="or `use:` with the name of a secret that holds all of it")
    return Authentication(fields.node.place, kind, secret)


def retry(fields: Fields) -> Retry:
    """A policy of trying again."""
    found = Retry(
        fields.node.place,
        fields.condition("when"),
        fields.condition("exceptWhen"),
        fields.span("delay"),
        fields.below("backoff", _backoff),
        *(fields.below("limit", _limit) or (None, None, None)),
        jitter=fields.below("jitter", _jitter),
    )
    fields.done()
    return found


def _backoff(fields: Fields) -> Backoff:
    kinds = ("constant", "linear", "exponential")
    written = [entry.key for entry in fields.node.entries if entry.key in kinds]
    fields.pass_over(*kinds)
    fields.done()
    if len(written) != 1:
        fields.notes.wrong(
            fields.node.place, "a backoff is exactly one of constant, linear and exponential", fields.path
        )
    return Backoff(fields.node.place, written[0] if written else "constant")


def _limit(fields: Fields) -> tuple[int | None, Span | None, Span | None]:
    def attempt(below: Fields) -> tuple[int | None, Span | None]:
        found = below.whole("count", 0, 1_000_000), below.span("duration")
        below.done()
        return found

    count, time = fields.below("attempt", attempt) or (None, None)
    whole = fields.span("duration")
    fields.done()
    return count, time, whole


def _jitter(fields: Fields) -> tuple[Span, Span] | None:
    least, most = fields.span("from", required=True), fields.span("to", required=True)
    fields.done()
    if least is None or most is None:
        return None
    if least.seconds is not None and most.seconds is not None and least.seconds > most.seconds:
        fields.wrong("from", "this is longer than `to`", "exchange the two")
    return least, most


def error(fields: Fields) -> Error:
    """The definition of an error."""
    found = Error(
        fields.node.place,
        fields.text("type", required=True, remedy="a URI that names the kind of error"),
        fields.anything("status", required=True),
        fields.text("instance"),
        fields.text("title"),
        fields.text("detail"),
    )
    status = as_text(found.status) if found.status is not None else None
    if status is not None and not status.is_expression:
        fields.whole("status", 100, 999)
    fields.done()
    return found


def events(fields: Fields) -> Events:
    """Which events are waited for."""
    modes = [mode for mode in ("one", "any", "all") if fields.has(mode)]
    until = fields.anything("until")
    fields.done()
    if len(modes) != 1:
        fields.notes.wrong(
            fields.node.place,
            "exactly one of `one`, `any` and `all` says how many events are waited for",
            fields.path,
            "`one` takes one filter, `any` and `all` a list of them",
        )
    filters: list[EventFilter] = []
    for mode in modes[:1]:
        if mode == "one":
            single = fields.below("one", event_filter)
            filters += [single] if single is not None else []
        else:
            for at, item in enumerate(fields.items(mode, least=1 if mode == "all" else 0)):
                below = Fields.of(item, fields.notes, f"{fields.at(mode)}[{at}]")
                if below is not None:
                    filters.append(event_filter(below))
    if until is not None and "any" not in modes:
        fields.wrong("until", "`until` goes with `any` alone", "take it out")
    return Events(fields.node.place, modes[0] if modes else "one", tuple(filters), until)


def event_filter(fields: Fields) -> EventFilter:
    """Which events are meant, by their attributes."""
    attributes = fields.mapping("with", required=True, or_expression=False) or MapNode(fields.node.place, ())
    correlate = fields.mapping("correlate", or_expression=False)
    fields.done()
    for entry in correlate.entries if correlate is not None else ():
        below = Fields.of(entry.value, fields.notes, f"{fields.at('correlate')}.{entry.key}")
        if below is not None:
            below.text("from", required=True)
            below.text("expect")
            below.done()
    within = Fields(attributes, fields.notes, fields.at("with"))
    name, kind = within.text("id"), within.text("type")
    if not attributes.entries:
        fields.wrong(
            "with", "a filter that asks for nothing lets everything through", "name at least the event's `type`"
        )
    if kind is not None and kind.text in ("signal", "query", "update") and name is None:
        within.wrong("id", f"a {kind.text} needs the name that it is sent under", "add `id:` beside `type:`")
    return EventFilter(fields.node.place, attributes, name.text if name else "", kind.text if kind else "", correlate)

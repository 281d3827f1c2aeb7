"""What tasks are made of, as it was written: texts, lengths of time, retries, errors, events. Every part knows its place in the file."""

from dataclasses import dataclass

from stigmer_apis.documents.nodes import MapNode, Node, Place


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its place; perhaps an expression."""

    place: Place
    text: str

    @property
    def is_expression(self) -> bool:
        """Whether it is one expression as a whole, `${ ... }`."""
        stripped = self.text.strip()
        return stripped.startswith("${") and stripped.endswith("}")


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time."""

    place: Place
    seconds: float | None
    """None where an expression gives it."""
    shown: str
    """For people: `1h 30m`, or the expression."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What data has to look like."""

    place: Place
    format: str
    document: Node | None
    resource: MapNode | None
    """Where the schema lies, if not here."""


@dataclass(frozen=True, slots=True)
class Shaping:
    """`input`, `output` or `export`: how data is shaped on its way."""

    place: Place
    expression: Node | None
    """`from` of an input, `as` of the others: an expression, or a mapping with expressions in it."""
    schema: Schema | None


@dataclass(frozen=True, slots=True)
class Backoff:
    """How the delay grows from one attempt to the next."""

    place: Place
    kind: str
    """`constant`, `linear` or `exponential`."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when something is tried again."""

    place: Place
    when: Text | None = None
    except_when: Text | None = None
    delay: Span | None = None
    backoff: Backoff | None = None
    most_attempts: int | None = None
    attempt_time: Span | None = None
    whole_time: Span | None = None
    jitter: tuple[Span, Span] | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """An error by RFC 7807."""

    place: Place
    type: Text | None
    status: Node | None
    instance: Text | None
    title: Text | None
    detail: Text | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant."""

    place: Place
    attributes: MapNode
    id: str
    """In Zigflow's dialect the name that a handler is sent under."""
    type: str
    """In Zigflow's dialect `signal`, `query` or `update`; else the type of a CloudEvent."""
    correlate: MapNode | None


@dataclass(frozen=True, slots=True)
class Events:
    """Which events are waited for."""

    place: Place
    mode: str
    """`one`, `any` or `all`."""
    filters: tuple[EventFilter, ...]
    until: Node | None


@dataclass(frozen=True, slots=True)
class Authentication:
    """How to prove who is calling."""

    place: Place
    kind: str
    """`basic`, `bearer`, `digest`, `oauth2`, `oidc`, `certificate`."""
    secret: Text | None
    """`use` inside of it: the secret that holds all of it."""

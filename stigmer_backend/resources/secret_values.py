"""What happens to the secret values of a resource on its way into the store and out of it.

The one place that knows where in a message such values stand: wherever the contract has a map of variables whose values say `is_secret`.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_backend.resources.kinds import AnyKind, Resource
from stigmer_backend.resources.text import quoted
from stigmer_backend.secrets.errors import SecretBroken, SecretGone
from stigmer_backend.secrets.sealing import Place, Sealer, is_sealed
from stigmer_backend.store import StateWrite

MASK: Final = "********"
"""What a secret value is in everything that is read. Sent back, it means: keep the value that is stored."""
SHORTEST_BYTES: Final = 8
"""A shorter value cannot be told from ordinary text, so it could not be masked in output."""
LONGEST_BYTES: Final = 1 << 20
"""A secret is at most 1 MiB of UTF-8."""


class Value(Protocol):
    """One variable of a map: `EnvironmentValue` or `ExecutionValue`."""

    value: str
    is_secret: bool


Values = MutableMapping[str, Value]


class SecretValues:
    """Takes secret values out of resources on their way into the store, and masks them on their way out."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def put_away(
        self, state: StateWrite, kind: AnyKind, stored: Resource | None, fresh: Resource, created_ns: int
    ) -> None:
        """Seal the plain values of `fresh`, in place, inside the transaction that stores it.

        `fresh.metadata.id` is set; `stored` is what it replaces, None where it is new. A value that comes as the mask, or plain and the
        same as the stored one, becomes the stored one, so that `fresh == stored` tells whether anything changes. The data keys of values
        that are no more are destroyed. Raises `InvalidArgument` for a value that cannot be a secret, and what `Sealer.seal` raises.
        """
        before = {} if stored is None else {path: dict(found) for path, found in _maps(cast(Message, stored))}
        after = dict(_maps(cast(Message, fresh)))
        for path, values in after.items():
            for name, value in values.items():
                held = before.get(path, {}).get(name)
                place = Place(kind.name, fresh.metadata.id, name)
                self._put_away(state, place, f"{path}[{name}]", value, held, created_ns)
        kept = {value.value for values in after.values() for value in values.values() if value.is_secret}
        for values in before.values():
            for value in values.values():
                if value.is_secret and value.value not in kept:
                    self._sealer.forget(state, value.value)

    def forget(self, state: StateWrite, resource_id: str) -> None:
        """Destroy the data keys of a resource, inside the transaction that deletes it."""
        self._sealer.forget_all(state, resource_id)

    def mask(self, kind: AnyKind, resource: Resource) -> None:
        """Replace the secret values of `resource`, in place, by the mask: it is about to be answered, or kept as an old version."""
        mask_values(cast(Message, resource))

    def _put_away(
        self, state: StateWrite, place: Place, path: str, value: Value, held: Value | None, created_ns: int
    ) -> None:
        was_secret = held is not None and held.is_secret and is_sealed(held.value)
        if not value.is_secret:
            if value.value == MASK and was_secret:
                raise _refused(
                    path, "keeps the mask as its value", "send is_secret with it, or a value that may be read"
                )
            return
        if held is not None and was_secret and value.value in (MASK, held.value):
            value.value = held.value
            return
        if not value.value:
            return
        if value.value == MASK:
            raise _refused(path, "is the mask, and there is no value to keep", "send the secret itself")
        check_secret(path, value.value)
        if held is not None and was_secret and self._opens_to(state, place, held.value, value.value):
            value.value = held.value
            return
        replaces = held.value if held is not None and was_secret else ""
        value.value = self._sealer.seal(state, place, value.value, created_ns, replaces)

    def _opens_to(self, state: StateWrite, place: Place, sealed: str, plain: str) -> bool:
        """Whether the stored value is `plain`; one that cannot be opened any more is another."""
        try:
            return self._sealer.open(state, place, sealed) == plain
        except (SecretGone, SecretBroken):
            return False


def mask_values(message: Message) -> bool:
    """Mask the secret values in any message, in place; whether there were any."""
    masked = False
    for _, values in _maps(message):
        for value in values.values():
            if value.is_secret and value.value:
                value.value = MASK
                masked = True
    return masked


def without_secrets(message: Message) -> None:
    """Empty the secret values in any message, in place; that they are secret stays said."""
    for _, values in _maps(message):
        for value in values.values():
            if value.is_secret:
                value.value = ""


def has_plain(message: Message) -> bool:
    """Whether there is a secret value in the message that is not the mask."""
    return any(
        value.is_secret and value.value not in ("", MASK) for _, values in _maps(message) for value in values.values()
    )


def masked(message: Message) -> Message:
    """The message with its secret values masked: itself where there are none, else a copy."""
    if not has_plain(message):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    mask_values(copy)
    return copy


def holds_secrets(descriptor: Descriptor) -> bool:
    """Whether messages of this type can hold secret values."""
    return bool(_ways(descriptor))


def check_secret(field: str, plain: str, name: str = "") -> None:
    """Raise `InvalidArgument` where `plain` cannot be a secret called `name`, or else by its field. The value itself is never repeated."""
    size = len(plain.encode())
    if size < SHORTEST_BYTES:
        raise _refused(
            field,
            f"has {size} bytes; a secret has at least {SHORTEST_BYTES}, or it could not be masked in what commands print",
            "use a longer one, or leave is_secret out where it is none",
            name,
        )
    if size > LONGEST_BYTES:
        raise _refused(
            field,
            f"has {size} bytes; a secret has at most {LONGEST_BYTES}",
            "keep it in a file, and its path here",
            name,
        )
    if "\0" in plain:
        raise _refused(
            field, "holds a NUL byte, which no variable can carry", "encode it first, as base64 for example", name
        )


def _refused(field: str, what: str, remedy: str, name: str = "") -> InvalidArgument:
    return InvalidArgument(
        f"the secret {quoted(name or field)} {what}",
        remedy=remedy,
        violations=[FieldViolation(field, "stigmer.secret", what)],
    )


def _maps(message: Message) -> Iterator[tuple[str, Values]]:
    """The maps of variables in a message, each with its path."""
    return _found(message, _ways(message.DESCRIPTOR), "")


@dataclass(frozen=True, slots=True)
class _Ways:
    """Which fields of a message are maps of variables, and which lead to some."""

    maps: tuple[str, ...]
    repeated: tuple[tuple[str, "_Ways"], ...]
    single: tuple[tuple[str, "_Ways"], ...]
    choices: tuple[tuple[str, Mapping[str, "_Ways"]], ...]
    """By the name of the choice, what each of its fields leads to."""

    def __bool__(self) -> bool:
        return bool(self.maps or self.repeated or self.single or self.choices)


def _found(message: Message, ways: _Ways, prefix: str) -> Iterator[tuple[str, Values]]:
    for name in ways.maps:
        yield f"{prefix}{name}", cast(Values, getattr(message, name))
    for name, inner in ways.repeated:
        for number, one in enumerate(cast("Iterable[Message]", getattr(message, name))):
            yield from _found(one, inner, f"{prefix}{name}[{number}].")
    for name, inner in ways.single:
        if message.HasField(name):
            yield from _found(cast(Message, getattr(message, name)), inner, f"{prefix}{name}.")
    for choice, inners in ways.choices:
        chosen = message.WhichOneof(choice)
        if chosen is not None and chosen in inners:
            yield from _found(cast(Message, getattr(message, chosen)), inners[chosen], f"{prefix}{chosen}.")


@cache
def _ways(descriptor: Descriptor) -> _Ways:
    """How each map of variables in messages of this type is reached."""
    return _search(descriptor, ())


def _search(descriptor: Descriptor, seen: tuple[Descriptor, ...]) -> _Ways:
    maps: list[str] = []
    repeated: list[tuple[str, _Ways]] = []
    single: list[tuple[str, _Ways]] = []
    choices: dict[str, dict[str, _Ways]] = {}
    for field in descriptor.fields:
        inner = field.message_type
        if inner is None or inner in seen:
            continue
        if inner.GetOptions().map_entry:
            value = inner.fields_by_name["value"].message_type
            if value is not None and {"value", "is_secret"} <= set(value.fields_by_name):
                maps.append(field.name)
            continue
        ways = _search(inner, (*seen, descriptor))
        if not ways:
            continue
        if field.is_repeated:
            repeated.append((field.name, ways))
        elif field.containing_oneof is not None:
            choices.setdefault(field.containing_oneof.name, {})[field.name] = ways
        else:
            single.append((field.name, ways))
    return _Ways(tuple(maps), tuple(repeated), tuple(single), tuple(choices.items()))

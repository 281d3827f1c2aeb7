"""One scalar of a document as the value of one field."""

import base64
import binascii
import re

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from stigmer_apis.documents.nearest import suggestion
from stigmer_apis.documents.nodes import ListNode, MapNode, Node, Scalar, ScalarType
from stigmer_tui.manifests.kinds import find_kind

Value = str | int | float | bool | bytes

_BITS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)
_DECIMAL = re.compile(r"[-+]?[0-9]{1,20}")
_PREFIXED = re.compile(r"0[xo][0-9a-fA-F]{1,16}")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DESCRIBED = {
    ScalarType.TEXT: "text",
    ScalarType.INTEGER: "a whole number",
    ScalarType.FLOAT: "a number",
    ScalarType.BOOLEAN: "true or false, as YAML reads `yes`, `no`, `on` and `off` too",
    ScalarType.ODD: "a number to some readers of YAML and text to others",
    ScalarType.NULL: "nothing",
}
_KINDS_ENUM = "ai.stigmer.commons.apiresource.apiresourcekind.ApiResourceKind"


class WrongValue(Exception):
    """A value that the field does not take: what is wrong, and how to mend it."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def value_of(field: FieldDescriptor, node: Node) -> Value:
    """The value of a field that is neither a message nor a list. Raises `WrongValue`.

    What stands in the file is not repeated in an error, as it may be a secret; names of enumerations are.
    """
    if not isinstance(node, Scalar):
        raise WrongValue(f"{wanted(field)} is wanted, and this is {described(node)}")
    if field.enum_type is not None:
        return _enum_number(field.enum_type, node)
    cpp_type = field.cpp_type
    if cpp_type in _BITS:
        return _whole(node, *_BITS[cpp_type])
    if cpp_type in _FLOATS:
        return _number(node)
    if cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if node.type is ScalarType.BOOLEAN and node.text.lower() in _TRUTHS:
            return _TRUTHS[node.text.lower()]
        raise WrongValue(f"true or false is wanted, and this is {described(node)}", _unquote(node))
    text = text_of(node)
    return _bytes(text) if field.type == FieldDescriptor.TYPE_BYTES else text


def text_of(node: Scalar) -> str:
    """Text. Raises `WrongValue` for what is a number or a truth value without quotes."""
    if node.type is ScalarType.TEXT:
        return node.text
    raise WrongValue(f"text is wanted, and this is {described(node)}", "put it into quotes")


def wanted(field: FieldDescriptor) -> str:
    """What a field takes, in words."""
    if field.message_type is not None:
        return "a mapping"
    if field.enum_type is not None:
        return "one of the known names"
    if field.cpp_type in _BITS:
        return "a whole number"
    if field.cpp_type in _FLOATS:
        return "a number"
    return "true or false" if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else "text"


def described(node: Node) -> str:
    """What a node is, in words."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "a mapping"
        case Scalar():
            return _DESCRIBED[node.type]


def enum_names(enum: EnumDescriptor) -> dict[str, str]:
    """What may be written for each name of an enumeration, the plainest way: `allow` for `DECISION_ALLOW`."""
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    return {value.name: value.name.removeprefix(prefix).lower() for value in enum.values}


def _choices(enum: EnumDescriptor) -> list[str]:
    """What there is to choose from: not to have chosen is no choice."""
    return [plain for plain in enum_names(enum).values() if plain != "unspecified"]


def _enum_number(enum: EnumDescriptor, node: Scalar) -> int:
    if node.type is ScalarType.INTEGER:
        number = _whole(node, -(2**31), 2**31 - 1)
        if number in enum.values_by_number:
            return number
        raise WrongValue(f"there is no value {number}", suggestion("", _choices(enum)))
    written = node.text.lower().replace("-", "_")
    for name, plain in enum_names(enum).items():
        if written in (name.lower(), plain):
            return enum.values_by_name[name].number
    if enum.full_name == _KINDS_ENUM and (kind := find_kind(node.text)) is not None:
        return kind.number
    raise WrongValue(f"`{node.text[:60]}` is none of the known names", suggestion(node.text, _choices(enum)))


def _whole(node: Scalar, least: int, most: int) -> int:
    if node.type not in (ScalarType.INTEGER, ScalarType.TEXT):
        raise WrongValue(f"a whole number is wanted, and this is {described(node)}")
    if _PREFIXED.fullmatch(node.text):
        number = int(node.text, 0)
    elif _DECIMAL.fullmatch(node.text):
        number = int(node.text)
    else:
        raise WrongValue(f"a whole number is wanted, and this is {described(node)}", "write digits alone")
    if not least <= number <= most:
        raise WrongValue("the number is out of range", f"it goes from {least} to {most}")
    return number


def _number(node: Scalar) -> float:
    if node.type in (ScalarType.INTEGER, ScalarType.FLOAT, ScalarType.TEXT):
        try:
            return float(node.text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError as error:
            raise WrongValue(f"a number is wanted, and this is {described(node)}") from error
    raise WrongValue(f"a number is wanted, and this is {described(node)}")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WrongValue("this is not Base64", "bytes are written in Base64") from error


def _unquote(node: Scalar) -> str:
    return (
        "take the quotes off"
        if node.type is ScalarType.TEXT and node.text.lower() in _TRUTHS
        else "write true or false"
    )

"""Secrets are taken out of streams: whole, in every form, wherever a stream is cut."""

import base64
import itertools
import json
import random
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_runner.redaction import NOTHING, Redactor, redact_message
from stigmer_runner.redaction.variants import variants
from tests.support.scale import scaled

SECRET = "s3cr/t+Value=&\"'<>$x\\ytail"
KEY = (
    "-----BEGIN PRIVATE KEY-----\n"
    + "\n".join("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj" + str(n) for n in range(6))
    + "\n-----END PRIVATE KEY-----\n"
)

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "raw": lambda text: text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one byte before": lambda text: base64.b64encode(b"u:"[:1] + text.encode()),
    "base64, two bytes before": lambda text: base64.b64encode(b"u:" + text.encode()),
    "base64, bytes on both sides": lambda text: base64.b64encode(b"user:" + text.encode() + b"@host"),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()),
    "base64 for URLs, one byte before": lambda text: base64.urlsafe_b64encode(b"x" + text.encode()),
    "base64 for URLs, two bytes before": lambda text: base64.urlsafe_b64encode(b"xy" + text.encode()),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper().encode(),
    "hexadecimal with colons": lambda text: text.encode().hex(":").encode(),
    "hexadecimal with blanks": lambda text: text.encode().hex(" ").encode(),
    "bytes as escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()).encode(),
    "URL": lambda text: quote(text, safe="").encode(),
    "URL with slashes": lambda text: quote(text).encode(),
    "URL in small letters": lambda text: _small(quote(text, safe="")).encode(),
    "form": lambda text: quote_plus(text).encode(),
    "bytes in octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()).encode(),
    "references": lambda text: "".join(f"&#{byte};" for byte in text.encode()).encode(),
    "all percent, in small letters": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode(),
    "all percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    "JSON": lambda text: json.dumps({"a": text}).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/").encode(),
    "shell": lambda text: shlex.quote(text).encode(),
    "Python": lambda text: repr(text).encode(),
    "SQL": lambda text: text.replace("'", "''").encode(),
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "base32": lambda text: base64.b32encode(text.encode()),
}


def _small(text: str) -> str:
    pieces = text.split("%")
    return "%".join([pieces[0], *(piece[:2].lower() + piece[2:] for piece in pieces[1:])])


def test_there_are_twenty_encodings() -> None:
    assert len(ENCODINGS) >= 20


@pytest.mark.parametrize("encoding", ENCODINGS, ids=[name.replace(" ", "-") for name in ENCODINGS])
@pytest.mark.parametrize("secret", [SECRET, KEY, "plain-token-0123456789", "schlüssel-ß-geheim"])
def test_no_encoding_of_a_secret_leaves(encoding: str, secret: str) -> None:
    written = ENCODINGS[encoding](secret)
    out = Redactor({"KEY": secret}).bytes(b"before " + written + b" after")
    assert b"[secret KEY]" in out
    assert out.startswith(b"before ")
    assert out.endswith(b" after")
    core = written[6:-6]
    assert core not in out
    half = len(core) // 2
    assert core[:half] not in out or core[half:] not in out


def test_each_line_of_a_key_is_a_secret() -> None:
    redactor = Redactor({"KEY": KEY})
    for line in KEY.splitlines()[1:-1]:
        assert redactor.text(f"  {line}\n") == "  [secret KEY]\n"
    assert redactor.text("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_base64_of_a_key_that_is_broken_into_lines() -> None:
    whole = base64.encodebytes(KEY.encode())
    out = Redactor({"KEY": KEY}).bytes(whole)
    left = [line for line in out.splitlines() if line != b"[secret KEY]"]
    assert len(left) <= 1  # the last, shorter line says less than a line of the key


def test_dumps_that_are_broken_into_lines() -> None:
    secret = b"a-token-of-forty-bytes-0123456789-abcdef"
    redactor = Redactor({"T": secret.decode()})
    for size, separator in ((30, ""), (16, " ")):
        pieces = [secret[start : start + size] for start in range(0, len(secret), size)]
        lines = [piece.hex(" ") if separator else piece.hex() for piece in pieces]
        assert redactor.text("\n".join(lines)).split("\n")[:-1] == ["[secret T]"] * (len(lines) - 1)


def test_a_short_value_is_left_and_told() -> None:
    redactor = Redactor({"PIN": "1234", "TOKEN": "hunter2-hunter2", "EMPTY": ""})
    assert redactor.ignored == ("PIN",)
    assert "PIN" in redactor.note
    assert redactor.text("1234 hunter2-hunter2") == "1234 [secret TOKEN]"
    assert not NOTHING.note
    assert not variants("1234567")
    assert variants("12345678")


def test_a_prompt_is_not_delayed() -> None:
    stream = Redactor({"TOKEN": "hunter2-hunter2"}).stream()
    assert stream.feed(b"Password: ") == b"Password: "
    assert stream.feed(b"$ ") == b"$ "
    assert stream.feed(b"the hunter") == b"the "
    assert stream.feed(b"s are here> ") == b"hunters are here> "
    assert stream.feed(b"hunter2-hunter") == b""
    assert stream.feed(b"2!") == b"[secret TOKEN]!"
    assert stream.feed(b"hunt") == b""
    assert stream.close() == b"hunt"


def test_what_was_released_does_not_leave_again_and_its_rest_is_a_secret_still() -> None:
    stream = Redactor({"TOKEN": "hunter2-hunter2"}).stream()
    assert stream.feed(b"who? hunter2") == b"who? "
    assert stream.holding == len("hunter2")
    assert stream.release(4) == b"hunt"
    assert stream.release(4) == b""
    assert stream.holding == len("er2")
    assert stream.feed(b"-hunte") == b""
    assert stream.feed(b"r2.") == b"[secret TOKEN]."
    assert stream.feed(b"hunter2-hunter") == b""
    assert stream.release() == b"hunter2-hunter"
    assert stream.feed(b"s hunt") == b"s "
    assert stream.release() == b"hunt"
    assert stream.feed(b"hunter2") == b""
    assert stream.release(4) == b"hunt"
    assert stream.close() == b"er2"
    assert (stream.release(), stream.close(), stream.holding) == (b"", b"", 0)


@settings(max_examples=scaled(60, 3000), deadline=None)
@given(
    text=st.text("hunte r2-", max_size=60),
    cuts=st.lists(st.integers(1, 7), min_size=1, max_size=20),
    seed=st.integers(0, 99),
)
def test_releasing_loses_and_doubles_nothing(text: str, cuts: list[int], seed: int) -> None:
    stream, generator, said, at = Redactor({"T": "hunter2-hunter2!"}).stream(), random.Random(seed), b"", 0
    for cut in itertools.islice(itertools.cycle(cuts), len(text)):
        said += stream.feed(text[at : at + cut].encode())
        at += cut
        if generator.random() < 0.5:
            said += stream.release(generator.choice([None, 4]))
    assert (said + stream.close()).decode() == text


def test_without_secrets_everything_passes_untouched() -> None:
    data = b"x" * 1000
    assert NOTHING.stream().feed(data) is data
    assert NOTHING.text("x") == "x"


ALPHABET = st.text("abAB=%", min_size=8, max_size=20)


@settings(max_examples=scaled(60, 5000), deadline=None)
@given(
    secrets=st.lists(ALPHABET, min_size=1, max_size=4),
    filling=st.lists(st.text("abAB=% \n", max_size=20), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
)
def test_the_output_does_not_depend_on_where_a_stream_is_cut(secrets: list[str], filling: list[str], seed: int) -> None:
    redactor = Redactor({f"N{number}": secret for number, secret in enumerate(secrets)})
    generator = random.Random(seed)
    forms = sorted(form for secret in secrets for form in variants(secret))
    data = b"".join(piece.encode() + generator.choice(forms) for piece in filling)
    whole = redactor.bytes(data)
    stream, pieces, at = redactor.stream(), list[bytes](), 0
    while at < len(data):
        step = generator.randint(1, 9)
        pieces.append(stream.feed(data[at : at + step]))
        at += step
    pieces.append(stream.close())
    assert b"".join(pieces) == whole
    for form in forms:
        assert form not in whole


@settings(max_examples=scaled(50, 2000), deadline=None)
@given(text=st.text(max_size=200), cuts=st.lists(st.integers(0, 220), max_size=10))
def test_text_that_holds_no_secret_comes_out_as_it_went_in(text: str, cuts: list[int]) -> None:
    stream = Redactor({"A": "äöü-geheim-äöü"}).text_stream()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    said = "".join(stream.feed(text[start:end]) for start, end in itertools.pairwise(places)) + stream.close()
    assert said == text


def test_every_text_of_an_event_is_redacted() -> None:
    event = ev.Event(
        file_changed=ev.FileChanged(path="a", diff="+hunter2-hunter2\n"),
    )
    redactor = Redactor({"T": "hunter2-hunter2"})
    redact_message(redactor, event)
    assert event.file_changed.diff == "+[secret T]\n"
    call = ev.Event(tool_call_requested=ev.ToolCallRequested(call_id="c"))
    call.tool_call_requested.args.update({"command": "echo hunter2-hunter2", "list": ["hunter2-hunter2"]})
    redact_message(redactor, call)
    assert "hunter2" not in str(call)
    todos = ev.Event(todo_list_changed=ev.TodoListChanged())
    todos.todo_list_changed.todos["1"].content = "use hunter2-hunter2"
    redact_message(redactor, todos)
    assert todos.todo_list_changed.todos["1"].content == "use [secret T]"

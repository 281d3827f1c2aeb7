"""The whole corpus of text that tries something: 600 cases of escape sequences, 300 of markup, 150 of Unicode, made from their grammars.

`hostile.HOSTILE` is the short one, for tests that go through it many times.
"""

from itertools import chain, product

from tests.tui.hostile import HOSTILE

_ENDS = ("\a", "\x1b\\", "\x9c", "", "\x18", "\x1a", "\n", "\x1b")
"""BEL, ST, its C1 form, none, cancelled twice, broken off by a line's end, and by another escape."""
_OSC = (
    "0;owned", "1;owned", "2;owned", "4;1;?", "4;1;rgb:00/00/00", "7;file:///etc", "8;;https://example.invalid", "8;id=1;javascript:x",
    "9;owned", "9;4;1;50", "10;?", "11;?", "12;red", "21;#", "22;wait", "50;?", "52;c;b3duZWQ=", "52;c;?", "52;p;!", "66;s=2;big", "99;i=1;owned",
    "104", "110", "133;A", "133;D;0", "633;E;rm -rf /", "697;x", "777;notify;owned;owned", "1337;File=inline=1:AAAA", "1337;SetMark",
    "1337;ClearScrollback", "5113;ac=send",
)  # fmt: skip
_STRINGS = (
    "P$qm", 'P$q"p', "P+q544e", "P0;1|17/41", "Pq#0;2;0;0;0~-", "P=1s", "Ptmux;\x1b\x1b]0;owned\a", "P1000p", "_Gf=24,s=1,v=1;AAAA",
    "_Ga=d", "_owned", "^owned", "^;rm", "Xowned", "kowned",
)  # fmt: skip
"""Device control, application commands, private messages, strings; and screen's own title."""
_CSI = (
    "31m", "38;2;1;2;3m", "8m", "?1049h", "?1047h", "?47h", "?1000h", "?1002h", "?1003h", "?1004h", "?1005h", "?1006h", "?1015h", "?1016h",
    "?2004h", "?2004l", "?2026h", "?2031h", "?2048h", "?25l", "?7l", "?5h", "?3h", "?6h", "?1h", "?66h", "?9001h", "6n", "?6n", "5n",
    "c", ">c", "=c", ">q", "14t", "18t", "21t", "22;0t", "8;1;1t", "3;0;0t", "9;1t", "2J", "3J", "?2J", "K", "H", "9999;9999H", "999A",
    "1;1r", "4h", "20h", "2h", "4i", "5i", "!p", "?!p", '"p', "0\"q", "$p", "?2004$p", "*x", "+p", "1$r", "1*y", "1;1;1;1;1$v", "2;2;3$}",
    ">4;2m", ">1u", "=1;1u", "<u", "?u", "1000S", "1000T", "1000L", "1000M", "999999999b", "s", "u", "200~rm -rf /\n\x1b[201~", "M !!", "<0;1;1M",
    "I", "O", "1 q", "?1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16h", "#{", "1;31", "\x00\x1b[31m", ":::m",
)  # fmt: skip
_SHORT = ("c", "7", "8", "D", "E", "H", "M", "N", "O", "Z", "=", ">", "n", "o", "|", "}", "~", "#8", "#3", "(0", ")0", "*0", "%G", "%@", " F", "l")  # fmt: skip
_SINGLE = tuple(chr(code) for code in chain(range(0x20), [0x7F], range(0x80, 0xA0)))


def _escapes() -> tuple[str, ...]:
    made = chain(
        (f"a\x1b]{body}{end}b" for body, end in product(_OSC, _ENDS[:7])),
        (f"a\x9d{body}\x9cb" for body in _OSC),
        (f"a\x1b{body}{end}b" for body, end in product(_STRINGS, _ENDS[:6])),
        (f"a\x1b[{body}b" for body in _CSI),
        (f"a\x9b{body}b" for body in _CSI),
        (f"a\x1b{body}b" for body in _SHORT),
        (f"a{control}b" for control in _SINGLE),
        ("a\x1b]52;c;" + "QUFB" * 50 + "b", "a\x1b[" + "1;" * 200 + "mb", "a\x1b" * 40, "\x1b" * 80),
    )
    return tuple(made)


ESCAPES = _escapes()[:600]

_ACTIONS = (
    "app.quit", "quit", "app.bell", "app.suspend_process", "screen.decide('once')", "app.decide('once')", "decide('all')", "app.run_command('rm')",
    "approve('c1')", "screen.approve('c1')", "focused.decide('once')", "app.open_url('https://example.invalid')", "app.command_palette",
    "app.toggle_look", "board.ask('delete')", "app.simulate_key('o')", "app.screenshot('/tmp/owned')", "app.set_title('x')",
)  # fmt: skip
_EVENTS = ("@click", "@mouse.down", "@hover", "@key", "@click()", "@ click")
_TAGS = (
    "bold", "b", "i", "u", "s", "dim", "reverse", "blink", "hidden", "conceal", "red", "on red", "#ff0000", "rgb(1,2,3)", "$error", "$nothing",
    "link=https://example.invalid", "link='javascript:alert(1)'", 'link="file:///etc/passwd"', "not bold", "auto", "auto on red", "red 200%", "red -5%",
    "style", "none", "default on default", "black on black", "bold red on green underline", "@@", "=", "'", '"', "\\", "123", "a b c d", "/bold", "/", "//",
)  # fmt: skip
_SHAPES = ("[{0}]x", "[{0}]x[/]", "[{0}]x[/{0}]", "[{0}", "\\[{0}]x")
_BROKEN = (
    "[/]", "[/][/]", "[]", "[[]]", "[[", "]]", "[", "]", "\\[", "[\\", "\\\\[bold]", "[bold][/italic]", "[bold][bold][/bold]", "[link=]x[/link]", "[@click=]x[/]",
    "[@click=app.quit", "[@click=app.quit]", "[@click='app.quit']x", "[bold" * 50, "[bold]" * 200, "[/bold]" * 50, "{x}", "{0.__class__}", "{x!r:>{y}}", "%(x)s", "%s%n",
    "${HOME}", "$(id)", "`id`", "<b>x</b>", "<script>x</script>", "&lt;", "**x**", "# x", "![x](https://example.invalid/x.png)",
    "[x](https://example.invalid)", "[x](javascript:x)", "[x]: https://example.invalid", ":warning:", ":x: :skull:",
)  # fmt: skip


def _markup() -> tuple[str, ...]:
    made = chain(
        _BROKEN,
        (f"[{event}={action}]click me[/]" for event, action in product(_EVENTS, _ACTIONS)),
        (shape.format(tag) for shape, tag in product(_SHAPES, _TAGS)),
    )
    return tuple(made)


MARKUP = _markup()[:300]

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_INVISIBLE = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u2065\u206a\u206f\u3164\ufeff\uffa0\ufff9\ufffa\ufffb\ufe00\ufe0f"
_TAGGED = "".join(chr(0xE0000 + ord(letter)) for letter in "rm -rf /")
_WIDE = "漢字　ＡＢ👩‍👩‍👧‍👦❤️🏳️‍🌈👍🏽🇩🇪⌚⏰⭐①ａ﷽ꙮ𒐫ｶﾞ한글각"
_HOMOGLYPHS = (
    "аpt",
    "сurl",
    "ѕudo",
    "ｒｍ",
    "rm ‐rf",
    "rm −rf",
    "ls∕etc",
    "a\u2215b",
    "evil．com",
    "＂x＂",
    "ls\u00a0-la",
    "ls\u2003x",
    "\u2028",
    "\u2029",
    "\u0085",
)


def _unicode() -> tuple[str, ...]:
    made = chain(
        (f"safe{letter}txt.exe" for letter in _BIDI),
        (f"ls {letter}/etc{letter} #{letter}" for letter in _BIDI),
        (f"rm{letter} -rf" for letter in _INVISIBLE),
        (letter * 40 for letter in _INVISIBLE),
        (f"{letter}{letter}x" for letter in _WIDE),
        _HOMOGLYPHS,
        (
            f"e{chr(mark)}" * 3 + chr(mark) * 1000
            for mark in (0x300, 0x301, 0x327, 0x489, 0x20DD, 0x1AB0, 0xFE20, 0x1DC0)
        ),
        (
            "x" + _TAGGED,
            "a\ud800b",
            "a\udfffb",
            "\ud83d\ude00",
            "\ufffe\uffff",
            "\U000e0001",
            "a\u0000b",
            "\u2066\u2067" * 40,
            "x" * 5000 + "\u202e",
            "\U0010ffff",
            "\U000f0000",
            "\ue000",
            "שלום rm",
            "مرحبا rm",
        ),
    )
    return tuple(made)


UNICODE = _unicode()[:150]

EVERYTHING: tuple[str, ...] = (*HOSTILE, *ESCAPES, *MARKUP, *UNICODE)


def on_the_wire(text: str) -> str:
    """The text as a message may carry it: lone surrogates cannot travel."""
    return text.encode("utf-8", "replace").decode()

"""Text that tries something: escape sequences of every family, markup, deception. Each family in several endings, as terminals accept several."""

import re
import unicodedata

_ENDS = ("\a", "\x1b\\", "\x9c", "")
_STRINGS = (
    "]52;c;b3duZWQ=",  # write the clipboard
    "]52;c;?",  # read it
    "]0;owned",
    "]2;owned",
    "]8;;https://example.invalid\x1b\\click",  # a link
    "]9;owned",
    "]777;notify;owned;owned",
    "]1337;File=inline=1:AAAA",
    "]4;1;?",
    "]11;?",
    'P$q"p',  # DCS: ask for a setting
    "P+q544e",
    "Pq#0;2;0;0;0~-",  # sixel
    "_Gf=24,s=1,v=1;AAAA",  # kitty graphics
    "^owned",  # PM
    "Xowned",  # SOS
)
_SEQUENCES = (
    "[31mred",
    "[2J",
    "[H",
    "[?1049h",
    "[?1000h",
    "[?2004h",
    "[?25l",
    "[6n",
    "[c",
    "[>c",
    "[21t",
    "[8;1;1t",
    "[!p",
    "[4h",
    "[5i",  # print the screen
    "[>4;2m",
    "[=1;1u",
    "[?5h",
    "c",  # reset
    "7",
    "8",
    "#8",
    "(0",
    "=",
    "N",
    "Z",
    "[200~rm -rf /\n\x1b[201~",
)
_OTHER = (
    "\x00\x01\x02\x05\x07\x08\x0b\x0c\x0e\x0f\x1a\x7f",
    "over\rwritten",
    "back\b\b\b\bspace",
    "\x9b31mC1 colour",
    "\x9d52;c;b3duZWQ=\x9c",
    "\x90q\x9c",
    "\x85next line",
    "user\u202egpj.exe",
    "a\u2066b\u2069c\u200f",
    "zero\u200bwidth\ufeff",
    "line\u2028separator\u2029",
    "tags \U000e0001\U000e0072\U000e006d",
    "stack " + "a\u0301" * 3 + "\u0300" * 200,
    "lone \ud800 surrogate",
    "hangul \u3164 filler",
    "[@click=app.quit]click me[/]",
    "[@click=app.quit()][bold red]approve",
    "[link=https://example.invalid]link[/link]",
    "[/]",
    "[/nothing]",
    "[bold",
    "\\[bold]",
    "[on red]  [/on red]",
    "[$error]x",
    "{}{0}{x!r}%s%n",
    "`$(touch /tmp/owned)`",
)

HOSTILE: tuple[str, ...] = (
    *(f"a\x1b{body}{end}b" for body in _STRINGS for end in _ENDS),
    *(f"a\x9d{body[1:]}{end}b" for body in _STRINGS if body.startswith("]") for end in _ENDS[:1]),
    *(f"a\x1b{body}b" for body in _SEQUENCES),
    *(f"a\x9b{body[1:]}b" for body in _SEQUENCES if body.startswith("[")),
    *_OTHER,
)

_DECEPTIVE = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]")


def is_harmless(text: str) -> bool:
    """Whether a terminal takes the text as nothing but text, and shows what is there."""
    return not _DECEPTIVE.search(text) and not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)

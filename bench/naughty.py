"""Texts that break programs, by what they break. Made here, each kind by its rule; nothing is copied from a list."""

from __future__ import annotations

CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))]
BIDI = [chr(code) for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C)]
INVISIBLE = [chr(code) for code in (0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x180E, 0x3164, 0xE0001, 0xE0041)]
STRANGE = [chr(code) for code in (0xFFFD, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF, 0xE000, 0x0378, 0xFDD0)]

_JOINED = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}"
_FLAG = "\N{REGIONAL INDICATOR SYMBOL LETTER N}\N{REGIONAL INDICATOR SYMBOL LETTER O}"
UNICODE = [
    "e" + "\N{COMBINING ACUTE ACCENT}" * 60,
    "\N{COMBINING TILDE}stands on nothing",
    "\N{LATIN SMALL LETTER E WITH ACUTE} e\N{COMBINING ACUTE ACCENT}",
    "\N{ANGSTROM SIGN}\N{OHM SIGN}\N{KELVIN SIGN}",
    "\N{LATIN SMALL LIGATURE FFI}\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}",
    _JOINED * 20,
    _FLAG * 30,
    "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-6}",
    "\u05e9\u05dc\u05d5\u05dd hello \u0645\u0631\u062d\u0628\u0627",
    "\u202egnp.exe\u202c",
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}\N{LATIN SMALL LETTER DOTLESS I}\N{LATIN SMALL LETTER SHARP S}",
    "\N{MATHEMATICAL BOLD SMALL A}\N{FULLWIDTH LATIN SMALL LETTER A}\N{CIRCLED LATIN SMALL LETTER A}",
    "\N{IDEOGRAPHIC SPACE}\N{NO-BREAK SPACE}\N{OGHAM SPACE MARK}",
    "line\N{LINE SEPARATOR}paragraph\N{PARAGRAPH SEPARATOR}next\N{NEXT LINE}",
    "\U0001f574" * 100,
]
WORDS = ["null", "None", "undefined", "NaN", "Infinity", "-0", "true", "[]", "{}", "[object Object]", "__proto__", "\\"]
NUMBERS = ["0", "-1", "1e400", "1e-400", "9" * 400, "0x7fffffff", "2147483648", "9007199254740993", "1_000", "\u0661"]
MARKUP = [
    "<script>document.title='mine'</script>",
    "<img src=x onerror=alert(1)>",
    "![](http://192.0.2.1/seen.png)",
    "[click](javascript:alert(1))",
    "<svg/onload=alert(1)>",
    "]]>--><!--",
    "</textarea></title><b>",
    "&lt;&#x3c;&amp;",
]
CODE = [
    "'; DROP TABLE threads; --",
    '" OR 1=1 --',
    "%_%\\%",
    "* NEAR(a b) AND OR NOT",
    '"unbalanced',
    "${HOME} $(id) `id`",
    "{{7*7}} {% raw %} #{7*7}",
    "%s %n %d %(x)s {0} {x!r}",
    "; cat /etc/passwd",
    "| id & id",
]
PATHS = ["../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\x", "a/../b", ".", "..", "CON", "nul.txt", "a" * 300, "~"]
LINES = [
    "a\r\nSet-Cookie: x=1",
    "a\nlevel=error event=forged",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\r",
    "\n" * 50,
]
SPACES = ["", " ", "\t", " " * 5000, "\u200b"]
LONG = ["a" * 10_000, "word " * 4_000, "\U0001f600" * 5_000, "(" * 20_000]

ALL: list[str] = [
    *CONTROLS,
    *(f"a{one}b" for one in (*BIDI, *INVISIBLE, *STRANGE)),
    *UNICODE,
    *WORDS,
    *NUMBERS,
    *MARKUP,
    *CODE,
    *PATHS,
    *LINES,
    *SPACES,
    *LONG,
]

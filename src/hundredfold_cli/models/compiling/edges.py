# ruff: noqa: RUF001 - characters that look alike are the point
"""Edge cases of texts, numbers and categories."""

import math

UNSEEN_WORDS = (
    "zqxwv", "Unseen", "ANOTHER", "x", "42", "don't", "über", "naïve", "ΣΊΣΥΦΟΣ", "𝔘𝔫𝔦", "ﬁn", "ß", "İ", "你好", "😀",
)  # fmt: skip
TEXTS = (
    "", " ", "\n\t", ".", "a", "aa", "A" * 5000, "é" * 300, "e\u0301", "\u00e9", "\u200b", "\u00a0x\u00a0", "\x00",
    "a\x00b", "İstanbul", "ǅ", "ﬃ", "STRASSE straße", "Σ ς σ", "𝟙𝟚𝟛", "١٢٣", "x_y __z__", "1e400", "ab  \t cd\r\nef",
    "😀😀", "\ud800",
)  # fmt: skip
NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 1e-300, -1e-300, 5e-324, 1e30, -1e30, 3.5e38, -3.5e38, 1e300, -1e300,
    1.7976931348623157e308, -1.7976931348623157e308, math.inf, -math.inf, math.nan,
)  # fmt: skip
CATEGORIES = ("", " ", "zqxwv", "1", "nan", "None", "É", "😀", "x" * 500)

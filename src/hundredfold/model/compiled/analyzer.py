"""How a text becomes terms: the stock analyzers of scikit-learn's vectorizers.

Source of the rules: sklearn/feature_extraction/text.py, scikit-learn 1.9.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import partial

from hundredfold.model.compiled.values import Values

type Analyze = Callable[[str], list[str]]

DEFAULT_PATTERN = r"(?u)\b\w\w+\b"
"""The token pattern that vectorizers have by default: words of two characters or more."""

# It finds the same words in three quarters of the time: a match starts and ends where a word does anyway.
_find_words = re.compile(r"\w{2,}").findall

_white_space = re.compile(r"\s\s+")

# ASCII texts are cut at spaces once all else but words is a space. That takes a third of the time of the pattern.
_SPACED = bytes(byte if chr(byte).isalnum() or chr(byte) == "_" else ord(" ") for byte in range(128)) + bytes(128)
_SPACED_AND_LOWER = _SPACED.lower()


def read_analyzer(values: Values, *, single: bool = False) -> Analyze:
    """Return the function that makes terms of a text.

    Parameters
    ----------
    single : whether words of one character may be among the terms although they are none. Nobody who looks terms up
        in a vocabulary without such words sees a difference, and it is faster
    values : `analyzer` (word, char or char_wb), `lowercase`, `accents` (keep, ascii or unicode), `least` and `most`
        words or characters of a term, and for words `token_pattern` and `stop_words`

    Raises
    ------
    KeyError, TypeError, ValueError
        If the values are malformed.
    """
    strip = {"keep": None, "ascii": _strip_ascii, "unicode": _strip_unicode}[values.text("accents")]
    least, most = values.integer("least"), values.integer("most")
    lowercase = values.flag("lowercase")
    kind = values.text("analyzer")
    if kind == "word":
        try:
            pattern = values.text("token_pattern")
            find = words_of_two if pattern == DEFAULT_PATTERN else re.compile(pattern).findall
        except re.error as error:
            raise ValueError(f"the token pattern is malformed: {error}") from error
        stop_words = frozenset(values.items("stop_words"))
        if (least, most) == (1, 1) and not stop_words and lowercase and strip is None:
            if single and pattern == DEFAULT_PATTERN:
                return lower_words
            return partial(_lower_words, find=find)
        terms: Analyze = partial(_words, find=find, stop_words=stop_words, least=least, most=most)
    else:
        terms = partial({"char": _characters, "char_wb": _characters_of_words}[kind], least=least, most=most)
    return partial(_prepared, lowercase=lowercase, strip=strip, terms=terms)


def lower_words(text: str) -> list[str]:
    """Return the words of a text in lower case: those of two characters or more, and maybe those of one."""
    if text.isascii():
        return text.encode().translate(_SPACED_AND_LOWER).decode().split()
    return _find_words(text.lower())


def words_of_two(text: str) -> list[str]:
    """Return the words that DEFAULT_PATTERN finds in a text."""
    if text.isascii():
        return [word for word in text.encode().translate(_SPACED).decode().split() if len(word) > 1]
    return _find_words(text)


def _lower_words(text: str, find: Analyze) -> list[str]:
    return find(text.lower())


def _prepared(text: str, lowercase: bool, strip: Callable[[str], str] | None, terms: Analyze) -> list[str]:
    if lowercase:
        text = text.lower()
    if strip is not None:
        text = strip(text)
    return terms(text)


def _words(text: str, find: Analyze, stop_words: frozenset[str], least: int, most: int) -> list[str]:
    words = find(text)
    if stop_words:
        words = [word for word in words if word not in stop_words]
    if most == 1:
        return words
    terms = list(words) if least == 1 else []
    for length in range(max(least, 2), min(most, len(words)) + 1):
        terms += [" ".join(words[start : start + length]) for start in range(len(words) - length + 1)]
    return terms


def _characters(text: str, least: int, most: int) -> list[str]:
    text = _white_space.sub(" ", text)
    terms = list(text) if least == 1 else []
    for length in range(max(least, 2), min(most, len(text)) + 1):
        terms += [text[start : start + length] for start in range(len(text) - length + 1)]
    return terms


def _characters_of_words(text: str, least: int, most: int) -> list[str]:
    terms: list[str] = []
    for word in _white_space.sub(" ", text).split():
        padded = f" {word} "
        for length in range(least, most + 1):
            terms.append(padded[:length])
            if len(padded) <= length:
                break  # a short word counts once
            terms += [padded[start : start + length] for start in range(1, len(padded) - length + 1)]
    return terms


def _strip_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ASCII", "ignore").decode("ASCII")


def _strip_unicode(text: str) -> str:
    if text.isascii():
        return text
    return "".join([mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark)])

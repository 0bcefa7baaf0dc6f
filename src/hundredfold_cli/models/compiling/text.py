"""Compiles the vectorizers of texts."""

from typing import Any

import numpy as np
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)

from hundredfold_cli.models.compiling.arrays import numbers
from hundredfold_cli.models.compiling.errors import NotCompiledError
from hundredfold_cli.models.compiling.kinds import Compile, Compiled, chain


def _analyzer(vectorizer: Any) -> Compiled:
    name = type(vectorizer).__name__
    for hook in ("preprocessor", "tokenizer"):
        if getattr(vectorizer, hook) is not None:
            raise NotCompiledError(f"{name} has a {hook} of its own")
    if vectorizer.analyzer not in ("word", "char", "char_wb"):
        raise NotCompiledError(f"{name} has an analyzer of its own")
    if vectorizer.input != "content":
        raise NotCompiledError(f"{name} reads files")
    if vectorizer.strip_accents not in (None, "ascii", "unicode"):
        raise NotCompiledError(f"{name} strips accents with a function of its own")
    if np.dtype(vectorizer.dtype) not in (np.dtype(np.float64), np.dtype(np.int64)):
        raise NotCompiledError(f"{name} counts in {np.dtype(vectorizer.dtype)}")
    if not isinstance(vectorizer.token_pattern, str):
        raise NotCompiledError(f"{name} has no token pattern that is a string")
    least, most = vectorizer.ngram_range
    return {
        "analyzer": vectorizer.analyzer,
        "lowercase": bool(vectorizer.lowercase),
        "accents": vectorizer.strip_accents or "keep",
        "least": int(least),
        "most": int(most),
        "token_pattern": vectorizer.token_pattern,
        "stop_words": sorted(vectorizer.get_stop_words() or ()) if vectorizer.analyzer == "word" else [],
    }


def _count(vectorizer: Any, _: Compile) -> Compiled:
    columns = vectorizer.vocabulary_
    terms = sorted(columns, key=columns.__getitem__)
    if [int(columns[term]) for term in terms] != list(range(len(terms))) or not all(type(t) is str for t in terms):
        raise NotCompiledError(f"the vocabulary of {type(vectorizer).__name__} does not number its terms from 0")
    return {
        "kind": "count_terms",
        **_analyzer(vectorizer),
        "vocabulary": terms,
        "binary": bool(vectorizer.binary),
    }


def _weigh(transformer: Any, _: Compile) -> Compiled:
    return {
        "kind": "weigh_terms",
        "weights": numbers(transformer.idf_) if transformer.use_idf else None,
        "norm": transformer.norm or "none",
        "logarithmic": bool(transformer.sublinear_tf),
    }


def _count_and_weigh(vectorizer: Any, compile_step: Compile) -> Compiled:
    return chain([_count(vectorizer, compile_step), _weigh(vectorizer, compile_step)])


def _hash(vectorizer: Any, _: Compile) -> Compiled:
    return {
        "kind": "hash_terms",
        **_analyzer(vectorizer),
        "width": int(vectorizer.n_features),
        "binary": bool(vectorizer.binary),
        "signed": bool(vectorizer.alternate_sign),
        "norm": vectorizer.norm or "none",
    }


COMPILERS = {
    CountVectorizer: _count,
    TfidfTransformer: _weigh,
    TfidfVectorizer: _count_and_weigh,
    HashingVectorizer: _hash,
}

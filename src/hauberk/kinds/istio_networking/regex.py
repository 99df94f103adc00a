"""Whether an expression can be one of RE2, as Envoy compiles it. Pure.

Source: google/re2 doc/syntax.txt; istio/istio pkg/config/validation/validation.go, validateStringMatchRegexp.
Deviation: judged with Python's compiler after what only RE2 knows has been taken away, so a few expressions
that RE2 refuses pass here; Envoy refuses those, which is told on the pod.
"""

from __future__ import annotations

import re

_ONLY_ELSEWHERE = (
    (re.compile(r"\(\?<?[=!]"), "look-around is not supported by RE2"),
    (re.compile(r"\(\?>|[*+?}]\+"), "possessive and atomic groups are not supported by RE2"),
    (re.compile(r"\\[1-9]|\(\?P="), "backreferences are not supported by RE2"),
    (re.compile(r"\\Z|\(\?#"), "comments and \\Z are not supported by RE2"),
)
_ONLY_HERE = (
    (re.compile(r"\\[pP](\{\^?\w+\}|\w)"), "x"),
    (re.compile(r"\[:\^?\w+:\]"), "x"),
    (re.compile(r"\\z"), r"\\Z"),
    (re.compile(r"\\C"), "."),
    (re.compile(r"\\Q.*?\\E"), "x"),
    (re.compile(r"\(\?[imsU-]+\)"), ""),
    (re.compile(r"\(\?[imsU-]+:"), "(?:"),
)


_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_MOST_REPEATS = 1000


def problem_of(expression: str) -> str:
    """What is wrong with the expression; empty when nothing is."""
    bare = re.sub(r"\\\\", "x", expression)
    for pattern, text in _ONLY_ELSEWHERE:
        if pattern.search(bare):
            return text
    if any(int(n) > _MOST_REPEATS for pair in _REPEAT.findall(bare) for n in pair if n):
        return f"more than {_MOST_REPEATS} repeats are not supported by RE2"
    for pattern, instead in _ONLY_HERE:
        bare = pattern.sub(instead, bare)
    try:
        re.compile(bare)
    except re.error as error:
        return str(error)
    return ""

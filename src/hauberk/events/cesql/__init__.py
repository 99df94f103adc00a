"""CloudEvents SQL (CESQL) v1: `parse(text)` once, `evaluate(expression, attributes)` per event. Pure.

Source: cloudevents/spec cesql/spec.md, CESQLParser.g4; evaluation as cloudevents/sdk-go sql/v2.
"""

from hauberk.events.cesql.nodes import Expression, evaluate
from hauberk.events.cesql.parser import ParseError, parse

__all__ = ["Expression", "ParseError", "evaluate", "parse"]

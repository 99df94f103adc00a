"""A VirtualService's conditions as Envoy's route matches.

Source: istio/istio pilot/pkg/networking/core/route/route.go, TranslateRouteMatch.
"""

from __future__ import annotations

from envoy.config.route.v3.route_components_pb2 import HeaderMatcher, QueryParameterMatcher, RouteMatch
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from hauberk.kinds.istio_networking.common import StringMatch
from hauberk.kinds.istio_networking.virtual_service_model import HTTPMatch
from hauberk.xds.translate.types import Message

_PSEUDO = {"method": ":method", "authority": ":authority", "scheme": ":scheme"}


def string(match: StringMatch, *, fold: bool = False) -> Message:
    """A condition on a text; one that sets nothing matches every text."""
    if match.regex:
        return StringMatcher(safe_regex={"regex": match.regex})
    if match.prefix:
        return StringMatcher(prefix=match.prefix, ignore_case=fold)
    return StringMatcher(exact=match.exact, ignore_case=fold)


def header(name: str, match: StringMatch, *, invert: bool = False) -> Message:
    """A condition on a header; an empty one asks for the header's presence."""
    if not (match.exact or match.prefix or match.regex):
        return HeaderMatcher(name=name, present_match=True, invert_match=invert)
    return HeaderMatcher(name=name, string_match=string(match), invert_match=invert)


def anything() -> Message:
    """A match of every request."""
    return RouteMatch(prefix="/")


def route_match(match: HTTPMatch) -> Message:
    """A condition on requests. A path prefix is one of characters, as with Istio, not of segments."""
    made = RouteMatch()
    uri = match.uri or StringMatch(prefix="/")
    if uri.regex:
        made.safe_regex.regex = uri.regex
    elif uri.exact:
        made.path = uri.exact
    else:
        made.prefix = uri.prefix or "/"
    if match.ignore_uri_case:
        made.case_sensitive.value = False
    for field, name in _PSEUDO.items():
        condition: StringMatch | None = getattr(match, field)
        if condition is not None:
            made.headers.append(header(name, condition))
    for name, condition in sorted((match.headers or {}).items()):
        made.headers.append(header(_PSEUDO.get(name, name), condition))
    for name, condition in sorted((match.without_headers or {}).items()):
        made.headers.append(header(name, condition, invert=True))
    for name, condition in sorted((match.query_params or {}).items()):
        made.query_parameters.append(_query(name, condition))
    return made


def _query(name: str, match: StringMatch) -> Message:
    if not (match.exact or match.prefix or match.regex):
        return QueryParameterMatcher(name=name, present_match=True)
    return QueryParameterMatcher(name=name, string_match=string(match))

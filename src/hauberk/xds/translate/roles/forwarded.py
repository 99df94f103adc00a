"""What a container is told of a request's way: the Host, and `Forwarded` (RFC 7239) made of `X-Forwarded-*`.

The runtime contract asks for both. A request that brings `Forwarded` keeps it; one that a DomainMapping sent
under another name gets its own `Host` back from `K-Original-Host`. For a request that has passed one proxy,
as most have, the header is a format string. All others pay for a small script.

Source: knative/serving pkg/queue/forwarded_shim.go, ForwardedShimHandler; knative.dev/networking
pkg/http/header, RewriteHostOut.
Deviation: `proto=` is always told, because Envoy sets an `X-Forwarded-Proto` that is missing.
"""

from __future__ import annotations

from envoy.config.route.v3.route_components_pb2 import FilterConfig, HeaderMatcher
from envoy.extensions.filters.http.lua.v3.lua_pb2 import Lua
from google.protobuf.any_pb2 import Any as PbAny

from hauberk.xds.translate.roles import http
from hauberk.xds.translate.types import Message, pack

_FILTER = "envoy.filters.http.lua"
_ONE_HOP = r"[^,:\s]+, ?[^,\s]+"  # who called the proxy before this one, and that proxy, which Envoy appended

# The last address is this proxy's own peer, which upstream's queue appends only after it made the header.
_SCRIPT = """
function envoy_on_request(handle)
  local headers = handle:headers()
  local host = headers:get("k-original-host") or ""
  if host ~= "" then
    headers:replace(":authority", host)
    headers:remove("k-original-host")
  end
  if (headers:get("forwarded") or "") ~= "" then return end
  local passed = (headers:get("x-forwarded-for") or ""):gsub(",?[^,]*$", "")
  local elements = {}
  for node in passed:gmatch("[^,%s]+") do
    elements[#elements + 1] = node:find(":", 1, true) and 'for="[' .. node .. ']"' or "for=" .. node
  end
  local first = { elements[1] }
  for _, key in ipairs({ "host", "proto" }) do
    local value = headers:get("x-forwarded-" .. key) or ""
    if value ~= "" then first[#first + 1] = key .. "=" .. value end
  end
  elements[1] = table.concat(first, ";")
  if elements[1] ~= "" then headers:replace("forwarded", table.concat(elements, ", ")) end
end
"""


def script() -> Message:
    """The filter, which only routes with `by_script` switch on."""
    made = http.http_filter(_FILTER, Lua(default_source_code={"inline_string": _SCRIPT}))
    made.disabled = True
    return made


def by_script(route: Message) -> Message:
    """The route with the header made by the script."""
    route.typed_per_filter_config[_FILTER].CopyFrom(pack(FilterConfig(config=PbAny())))
    return route


def one_hop() -> list[Message]:
    """What a request looks like whose header is `from_address`."""
    return [
        HeaderMatcher(name="x-forwarded-for", string_match={"safe_regex": {"regex": _ONE_HOP}}),
        HeaderMatcher(name="x-forwarded-host", present_match=True, invert_match=True),
        HeaderMatcher(name="k-original-host", present_match=True, invert_match=True),
    ]


def from_address() -> Message:
    """The header of a request that passed one proxy: with one trusted hop, its address is the remote one."""
    value = "for=%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%;proto=%REQ(X-FORWARDED-PROTO)%"
    return http.set_header("Forwarded", value, absent=True)

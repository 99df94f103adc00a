"""config-observability: what the queue-proxy logs and measures, as it is told.

Source: knative/serving pkg/observability/config.go; the shape of OBSERVABILITY_CONFIG as observed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json
from hauberk.serving.config.reading import as_bool

NAME = "config-observability"
REQUEST_LOG_TEMPLATE = (
    '{"httpRequest": {"requestMethod": "{{.Request.Method}}", "requestUrl": "{{js .Request.RequestURI}}", '
    '"requestSize": "{{.Request.ContentLength}}", "status": {{.Response.Code}}, '
    '"responseSize": "{{.Response.Size}}", "userAgent": "{{js .Request.UserAgent}}", '
    '"remoteIp": "{{js .Request.RemoteAddr}}", "serverIp": "{{.Revision.PodIP}}", '
    '"referer": "{{js .Request.Referer}}", "latency": "{{.Response.Latency}}s", '
    '"protocol": "{{.Request.Proto}}"}, "traceId": "{{.TraceID}}"}'
)


def queue_config(data: Mapping[str, str]) -> str:
    """The queue-proxy's OBSERVABILITY_CONFIG, one line of JSON."""
    log: dict[str, Any] = {}
    if as_bool(data, "logging.enable-request-log", False):
        log["enableRequestLog"] = True
    template = data.get("logging.request-log-template", REQUEST_LOG_TEMPLATE)
    if template:
        log["requestLogTemplate"] = template
    if as_bool(data, "logging.enable-probe-request-log", False):
        log["enableProbeRequestLog"] = True
    config = {
        "tracing": {"protocol": data.get("tracing-protocol", "none")},
        "metrics": {"protocol": data.get("metrics-protocol", "none")},
        "runtime": {"profiling": data.get("runtime-profiling", "disabled"), "exportInterval": 15_000_000_000},
        "requestMetrics": {"protocol": data.get("request-metrics-protocol", "none")},
        **log,
    }
    return json.dumps(config, separators=(",", ":"))


def log_url(data: Mapping[str, str], revision: Json) -> str:
    """`status.logUrl` of a Revision, from `logging.revision-url-template`; empty where there is none.

    Source: knative/serving pkg/reconciler/revision/revision.go, updateRevisionLoggingURL.
    """
    template = data.get("logging.revision-url-template", "")
    return template.replace("${REVISION_UID}", str(revision["metadata"].get("uid", "")))

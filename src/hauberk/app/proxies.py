"""How a pod's Envoy is started: its bootstrap file and command line."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from hauberk.base.paths import Paths
from hauberk.base.refs import Json
from hauberk.node.pod.deps import ProxyBootstrap, ProxyLaunch
from hauberk.xds import binary, bootstrap

BOOTSTRAP = "envoy.json"


def bootstrap_of(paths: Paths) -> ProxyBootstrap:
    """The node's `ProxyBootstrap`: every proxy gets its configuration from the xDS socket.

    The pod's uid is all that the Envoy knows of itself; which identity belongs to it is the
    server's decision.

    Deviation: `node.id` is the uid, not `sidecar~IP~POD.NAMESPACE~DOMAIN`; an Envoy that was a spare keeps
    the spare's, and `node.cluster` `spare`, in `/server_info` and `/config_dump`. Its statistics, access
    log, headers and certificate show neither.
    """

    def make(pod: Json, roles: Mapping[str, str], ip: str) -> ProxyLaunch:
        del roles, ip  # both arrive with the configuration
        meta = pod["metadata"]
        uid = meta["uid"]
        config = bootstrap.proxy(
            uid,
            xds_socket=paths.xds_socket,
            admin_socket=paths.proxy_admin(uid),
            cluster=".".join(filter(None, (meta["name"], meta["namespace"]))),
        )
        argv = bootstrap.argv(binary.envoy(), paths.pod(uid) / BOOTSTRAP)
        return ProxyLaunch(argv=tuple(argv), files={BOOTSTRAP: orjson.dumps(config)})

    return make

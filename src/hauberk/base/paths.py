"""Where an embedded cluster keeps things. Pure path arithmetic; nothing is created here.

`run` is short-lived and short (a unix socket's path has at most 107 bytes); `data` survives
reboots. Both directories are 0700, every file with a key in it 0600.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH = 107  # bytes of a unix socket's path; Linux keeps the last of 108 for the end
_UID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one cluster."""

    run: Path  # $XDG_RUNTIME_DIR/hauberk/NAME, or /tmp/hauberk-UID/NAME
    data: Path  # $XDG_DATA_HOME/hauberk/NAME; below `run` when ephemeral

    @property
    def api_socket(self) -> Path:
        """Plain HTTP/1.1 to the API server. Only the edge may connect: it is trusted to name the user."""
        return self.run / "api.sock"

    @property
    def xds_socket(self) -> Path:
        """gRPC: ADS, SDS, ext_authz."""
        return self.run / "xds.sock"

    @property
    def keeper_socket(self) -> Path:
        """The keeper's spawn protocol."""
        return self.run / "keeper.sock"

    @property
    def router_https_socket(self) -> Path:
        """The router pod's door for TLS connections from the edge."""
        return self.run / "router-https.sock"

    @property
    def router_http_socket(self) -> Path:
        """The router pod's door for plain HTTP connections from the edge."""
        return self.run / "router-http.sock"

    @property
    def state_file(self) -> Path:
        """The one JSON file the CLI reads: pids, ports, options, versions."""
        return self.run / "state.json"

    @property
    def database(self) -> Path:
        """The store."""
        return self.data / "state.db"

    @property
    def pki(self) -> Path:
        """The cluster's own CAs and the edge's keys."""
        return self.data / "pki"

    @property
    def logs(self) -> Path:
        """One folder of logs for the control plane and the edge; pods have `pod_logs`."""
        return self.data / "logs"

    @property
    def images(self) -> Path:
        """Unpacked images and the registry of app directories."""
        return self.data / "images"

    @property
    def volumes(self) -> Path:
        """The data of PersistentVolumes that were made here, one folder each."""
        return self.data / "volumes"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, 0600."""
        return self.data / "kubeconfig"

    def pod(self, uid: str) -> Path:
        """Everything of one pod that ends with it: sockets, bootstrap, volumes, root file systems."""
        return self.run / "pods" / uid

    def proxy_admin(self, uid: str) -> Path:
        """The admin socket of the pod's Envoy."""
        return self.pod(uid) / "admin.sock"

    def egress_socket(self, uid: str) -> Path:
        """The door through which the control plane speaks as the autoscaler's pod."""
        return self.pod(uid) / "egress.sock"

    def component(self, uid: str) -> Path:
        """The folder that a process of the data plane sees as `/run/hauberk`."""
        return self.pod(uid) / "component"

    def control_socket(self, uid: str) -> Path:
        """Where a process of the data plane takes its contract."""
        return self.component(uid) / "control.sock"

    def workload(self, namespace: str, name: str) -> Path:
        """What the pods of one workload share and leave to their successors: `/var/lib/hauberk`."""
        return self.data / "workloads" / namespace / name

    @property
    def longest_socket(self) -> Path:
        """The socket that needs the longest path."""
        return max((self.control_socket(_UID), self.egress_socket(_UID)), key=lambda path: len(str(path)))

    def pod_logs(self, uid: str) -> Path:
        """`CONTAINER/RESTARTS.log` below it; kept until the pod object is gone."""
        return self.data / "pods" / uid

"""The administrator's kubeconfig."""

from __future__ import annotations

import base64

import yaml

from hauberk.cluster.options import Options
from hauberk.ports import KeyPair


def make_kubeconfig(options: Options, roots: bytes, admin: KeyPair) -> str:
    """YAML with one context, named after the cluster, that is current."""
    name = options.name
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": name,
                    "cluster": {"server": options.api_url, "certificate-authority-data": _text(roots)},
                }
            ],
            "users": [
                {
                    "name": f"{name}-admin",
                    "user": {
                        "client-certificate-data": _text(admin.chain),
                        "client-key-data": _text(admin.key),
                    },
                }
            ],
            "contexts": [
                {"name": name, "context": {"cluster": name, "user": f"{name}-admin", "namespace": "default"}}
            ],
            "current-context": name,
        },
        sort_keys=False,
    )


def _text(pem: bytes) -> str:
    return base64.b64encode(pem).decode()

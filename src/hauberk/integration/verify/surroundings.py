"""What a run needs to know of where it runs: images, the way to the domain, the CA of the certificate."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

from hauberk.base.apierrors import ApiError
from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref
from hauberk.integration.certs import ROOT, directory_of
from hauberk.integration.model import Integration
from hauberk.integration.verify.model import Wish
from hauberk.integration.verify.outside import Edge
from hauberk.kubeclient import Kube

STATUS = "/hauberk/v1/status"
OWN = {
    "image": "hauberk.local/helloworld",
    "client_image": "hauberk.local/curl",
    "event_image": "hauberk.local/event-display",
}
_WANTED = {
    "image": "--image, one that answers HTTP requests on $PORT with 200",
    "client_image": "--client-image, one with `sh` and `curl`",
}


async def fetch_embedded(kube: Kube) -> Json:
    """What an embedded cluster says of itself; empty on any other."""
    try:
        found = await kube.request("GET", STATUS)
    except ApiError:
        return {}
    return found if isinstance(found, dict) and "endpoints" in found else {}


def with_images(wish: Wish, *, embedded: bool) -> Wish:
    """The wish with the embedded cluster's own images where none is named. Raises Problem elsewhere."""
    if embedded:
        return replace(
            wish,
            image=wish.image or OWN["image"],
            client_image=wish.client_image or OWN["client_image"],
            event_image=wish.event_image or OWN["event_image"],
        )
    missing = [told for field, told in _WANTED.items() if not getattr(wish, field)]
    if missing:
        raise Problem(
            "the images of the probes are not named",
            wanted="; ".join(missing),
            found="a cluster that does not bring them itself",
            fix="hauberk verify --image REGISTRY/hello --client-image REGISTRY/curl",
        )
    return wish


async def fetch_edge(
    kube: Kube, integration: Integration, file: Path, embedded: Json, *, roots: str = "", address: str = ""
) -> Edge:
    """How the domain is reached and which CA vouches for it.

    | CA, the first that there is                                      |
    |------------------------------------------------------------------|
    | `roots`, that were named                                         |
    | `root.crt` beside the Integration, when certificates are made here |
    | `ca.crt` of the certificate's Secret                             |
    | the CAs of this machine                                          |
    """
    where = address or str((embedded.get("endpoints") or {}).get("https", ""))
    if roots:
        return Edge(address=where, roots=roots)
    own = directory_of(integration, file) / f"{ROOT}.crt"
    if integration.certificate.source in ("generate", "ca") and own.is_file():
        return Edge(address=where, roots=own.read_text())
    ref = Ref("Secret", integration.gateway_namespace, integration.certificate.secret_name)
    try:
        secret = await kube.find(ref)
    except ApiError:
        secret = None
    encoded = ((secret or {}).get("data") or {}).get("ca.crt", "")
    return Edge(address=where, roots=base64.b64decode(encoded).decode())

"""Images as docs/images.md describes them: samples, an app directory, archives made without a registry."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hauberk.testing.cluster import Cluster, eventually, hauberk
from hauberk.testing.space import Space

pytestmark = pytest.mark.system
Raw = dict[str, Any]

DOCS = Path(__file__).parents[3] / "docs/images.md"
BUSYBOX = shutil.which("busybox")
CALL = "curl -sS --retry 20 --retry-delay 0 --retry-max-time 10 --retry-connrefused --max-time 10"
INJECT = {"sidecar.istio.io/inject": "true", "sidecar.istio.io/rewriteAppHTTPProbers": "true"}


def knative(name: str, image: str, **container: Any) -> str:
    """A Knative service as the document writes them."""
    template = {
        "metadata": {"annotations": INJECT},
        "spec": {"containers": [{"image": image, **container}]},
    }
    meta = {"name": name, "annotations": {"serving.knative.openshift.io/enablePassthrough": "true"}}
    spec = {"template": template}
    return json.dumps(
        {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": meta, "spec": spec}
    )


@pytest.fixture
def served(document: Cluster) -> Iterator[Any]:
    """Apply a Knative service to the mesh and call it through its Route; removed at the end."""
    made: list[str] = []

    def serve(name: str, image: str, **container: Any) -> str:
        inside = Space(document, "default")
        inside.apply(knative(name, image, **container))
        made.append(name)
        inside.wait(f"ksvc/{name}", "condition=Ready")
        line = [part.replace("hello-default", f"{name}-default") for part in document.stage.curl_line()]
        # the router may take the Route a moment after Knative is Ready, as on OpenShift
        return str(eventually(lambda: (ran := document.shell.run(line)).ok and ran.out, what=" ".join(line)))

    yield serve
    for name in made:
        document.must("delete", "ksvc", name, "-n", "default")


def expose(space: Space, name: str, image: str, **container: Any) -> None:
    labels = {"app": name}
    space.pod(
        name, "", meta={"labels": labels}, spec={"containers": [{"name": "app", "image": image, **container}]}
    )
    port = {"port": 80, "targetPort": 8080}
    space.apply(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                            "spec": {"selector": labels, "ports": [port]}}))  # fmt: skip
    eventually(lambda: space.json("endpoints", name).get("subsets"), what="an endpoint")


SHOWN = """☁️  cloudevents.Event
Validation: valid
Context Attributes,
  specversion: 1.0
  type: dev.test
  source: /here
  id: 1
  time: 2026-01-02T03:04:05Z
  datacontenttype: application/json
Data,
  {
    "a": 1
  }
☁️  cloudevents.Event
Validation: valid
Context Attributes,
  specversion: 1.0
  type: dev.test
  source: /here
  id: 2
  datacontenttype: application/json
Extensions,
  myext: x
Data,
  {
    "a": [
      1
    ]
  }
"""


def test_event_display_prints_binary_and_structured_events_as_upstream_does(space: Space) -> None:
    expose(space, "event-display", "hauberk.local/event-display")
    event = {
        "specversion": "1.0",
        "type": "dev.test",
        "source": "/here",
        "id": "2",
        "myext": "x",
        "datacontenttype": "application/json",
        "data": {"a": [1]},
    }
    script = f"""
      {CALL} -d '{{"a":1}}' -H 'content-type: application/json' -H 'ce-specversion: 1.0' \
        -H 'ce-type: dev.test' -H 'ce-source: /here' \
        -H 'ce-id: 1' -H 'ce-time: 2026-01-02T03:04:05Z' event-display
      {CALL} -d '{json.dumps(event)}' -H 'content-type: application/cloudevents+json' event-display
      {CALL} -o /dev/null -w '%{{http_code}}' -d x event-display"""
    assert space.said(script).strip().endswith("400")
    assert space.must("logs", "event-display") == SHOWN


def test_autoscale_sleeps_computes_and_allocates(space: Space) -> None:
    expose(space, "autoscale", "hauberk.local/autoscale")
    url = "autoscale/?sleep=200\\&prime=10000\\&bloat=5"
    out = space.said(f"{CALL} -w '%{{time_total}}' {url}").splitlines()
    assert out[:3] == [
        "Allocated 5 Mb of memory.",
        "The largest prime less than 10000 is 9973.",
        "Slept for 200.00 milliseconds.",
    ]
    assert float(out[3]) >= 0.2


def test_helloworld_greets_the_world_without_a_target(space: Space) -> None:
    expose(space, "plain", "hauberk.local/helloworld")
    assert space.said(f"{CALL} plain") == "Hello World!\n"


def test_the_app_directory_of_the_documentation_serves(
    document: Cluster, served: Any, tmp_path: Path
) -> None:
    block = re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)[0]
    files = block[: block.index("\nhauberk ")]
    document.shell.must(["sh", "-c", f"cd {tmp_path} && {files}"])
    added = hauberk("image", "add", "--name", document.name, "example.com/greeter", f"{tmp_path}/greeter")
    assert added.returncode == 0, added.stderr
    assert "example.com/greeter" in hauberk("image", "ls", "--name", document.name).stdout
    assert served("greeter", "example.com/greeter") == "greetings\n"
    hauberk("image", "rm", "--name", document.name, "example.com/greeter")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An OCI layout with one static binary and no registry in sight."""
    folder = tmp_path_factory.mktemp("oci")
    image, bundle = f"{folder}/layout:v1", folder / "bundle"

    def run(*argv: str) -> None:
        subprocess.run(argv, check=True, capture_output=True)

    run("umoci", "init", "--layout", f"{folder}/layout")
    run("umoci", "new", "--image", image)
    run("umoci", "unpack", "--rootless", "--image", image, str(bundle))
    for directory in ("bin", "www"):
        (bundle / "rootfs" / directory).mkdir()
    assert BUSYBOX
    shutil.copy2(BUSYBOX, bundle / "rootfs/bin/busybox")
    (bundle / "rootfs/bin/sh").symlink_to("busybox")
    (bundle / "rootfs/www/index.html").write_text("from an archive\n")
    run("umoci", "repack", "--image", image, str(bundle))
    command = ("/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www")
    run("umoci", "config", "--image", image, *(word for c in command for word in ("--config.entrypoint", c)))
    return image


@pytest.mark.skipif(
    not (BUSYBOX and shutil.which("umoci") and shutil.which("skopeo")),
    reason="needs umoci, skopeo and busybox-static",
)
@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_an_archive_runs_as_a_pod_and_as_a_knative_service(
    space: Space, served: Any, layout: str, kind: str, tmp_path: Path
) -> None:
    name, archive = f"example.com/{kind}:v1", tmp_path / "image.tar"
    copy = ["skopeo", "copy", "--insecure-policy", f"oci:{layout}", f"{kind}:{archive}:{name}"]
    subprocess.run(copy, check=True, capture_output=True)
    loaded = hauberk("image", "load", "--name", space.cluster.name, str(archive))
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.startswith(f"{name}@sha256:")
    expose(space, kind, name)
    assert space.said(f"{CALL} {kind}") == "from an archive\n"
    assert (
        served(kind, name, command=["/bin/busybox"], args=["httpd", "-f", "-p", "8080", "-h", "/www"])
        == "from an archive\n"
    )
    hauberk("image", "rm", "--name", space.cluster.name, name)


def test_a_missing_image_of_a_knative_service_says_what_is_missing(document: Cluster) -> None:
    inside = Space(document, "default")
    inside.apply(knative("pictureless", "example.com/nothing:1"))
    try:

        def message() -> str:
            rows = inside.json("ksvc", "pictureless").get("status", {}).get("conditions", ())
            return next(
                (c.get("message", "") for c in rows if c["type"] == "Ready" and c["status"] == "False"), ""
            )

        told = eventually(message, what="a Ready condition that does not hold")
        assert "example.com/nothing:1" in told
    finally:
        inside.must("delete", "ksvc", "pictureless")

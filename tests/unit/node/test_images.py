from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hauberk.node.images import kafka, table
from hauberk.node.images.model import ImageProblem
from hauberk.node.images.oci import name_in, settings
from hauberk.node.images.reference import parse_reference
from hauberk.node.images.store import entry_script, find, parse_procfile

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("app", "docker.io/library/app:latest"),
        ("me/app:v1", "docker.io/me/app:v1"),
        ("quay.io/me/app", "quay.io/me/app:latest"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1"),
        (f"quay.io/me/app@{DIGEST}", f"quay.io/me/app@{DIGEST}"),
        (f"quay.io/me/app:v1@{DIGEST}", f"quay.io/me/app:v1@{DIGEST}"),
        ("hauberk.local/helloworld", "hauberk.local/helloworld:latest"),
    ],
)
def test_references_are_read_as_upstream_reads_them(text: str, wanted: str) -> None:
    assert str(parse_reference(text)) == wanted


@pytest.mark.parametrize("text", ["", "App", "a/b:", "a@sha256:1", "a b", "quay.io/", "a//b", "a:b c"])
def test_broken_references_have_upstreams_reason(text: str) -> None:
    with pytest.raises(ImageProblem) as problem:
        parse_reference(text)
    assert problem.value.reason == "InvalidImageName"
    assert "invalid reference format" in problem.value.message


@pytest.fixture
def kafka_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with Java and Kafka's jars, whatever this one has."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(java.parent), prepend=os.pathsep)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kafka.libs_of(os.environ).mkdir(parents=True)


@pytest.mark.usefixtures("kafka_here")
@pytest.mark.parametrize("name", table.NAMES)
def test_every_built_in_image_has_a_digest_that_leads_back(name: str) -> None:
    image = table.builtin(name, f"hauberk.local/{name}:v1")
    assert image is not None
    assert image.image_id == f"hauberk.local/{name}@{image.digest}"
    assert parse_reference(image.image_id).digest == image.digest


def test_an_image_whose_programs_are_not_here_says_which_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ImageProblem, match="no java and no jars"):
        table.builtin("kafka", "hauberk.local/kafka")


def test_proxy_images_are_roles_and_not_processes() -> None:
    image = table.builtin("proxyv2", "hauberk.local/proxyv2")
    assert image is not None
    assert (image.kind, image.role) == ("proxy", "mesh")


def test_a_digest_is_found_under_any_tag_of_its_repository() -> None:
    index = {"docker.io/library/app:v1": {"digest": DIGEST}}
    assert find(index, parse_reference(f"app@{DIGEST}")) == {"digest": DIGEST}
    assert find(index, parse_reference(f"other@{DIGEST}")) is None
    assert find(index, parse_reference("app")) is None
    assert find(index, parse_reference("app:v1")) == {"digest": DIGEST}


def test_a_procfile_names_processes() -> None:
    assert parse_procfile("# c\nweb: python app.py --x=a:b\n\nworker:run\n") == {
        "web": "python app.py --x=a:b",
        "worker": "run",
    }
    with pytest.raises(ValueError, match="names no process"):
        parse_procfile("nothing here")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "web 8080\n"),
        (["web"], "web 8080\n"),
        (["two"], "1\n2\n"),
        (["echo", "own words"], "own words\n"),
    ],
)
def test_the_first_argument_chooses_the_process(args: list[str], said: str) -> None:
    script = entry_script({"web": "echo web $PORT", "two": "echo 1; echo 2"})
    done = subprocess.run(
        ["/bin/sh", "-c", script, "launcher", *args],
        env={"PORT": "8080", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == said


@pytest.mark.parametrize(
    ("kind", "index", "name"),
    [
        ("docker-archive", [{"RepoTags": ["app:v1"]}], "app:v1"),
        ("docker-archive", [{"RepoTags": None}], ""),
        (
            "oci-archive",
            {"manifests": [{"annotations": {"org.opencontainers.image.ref.name": "a:v1"}}]},
            "a:v1",
        ),
        ("oci-archive", {"manifests": [{}]}, ""),
    ],
)
def test_archives_know_their_image(kind: str, index: object, name: str) -> None:
    assert name_in(kind, index) == name


def test_an_images_settings_are_kept() -> None:
    config = {"config": {"Entrypoint": ["/x"], "Env": ["A=b=c"], "User": "65532:65532", "WorkingDir": "/w"}}
    assert settings(config, Path("/nowhere")) == {
        "entrypoint": ["/x"],
        "cmd": [],
        "env": {"A": "b=c"},
        "workdir": "/w",
        "user": "65532",
    }
    assert settings({}, Path("/nowhere"))["workdir"] == "/"

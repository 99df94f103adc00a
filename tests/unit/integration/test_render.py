"""Rendering: deterministic files, a kustomization in order, foreign files untouched, no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hauberk.base.problems import Problem
from hauberk.integration.load import parse
from hauberk.integration.model import Integration
from hauberk.integration.profiles import stages
from hauberk.integration.render import KUSTOMIZATION, render, render_stream, write
from hauberk.integration.stages import objects_of


def test_every_object_is_in_the_files_in_order(integration_sm2: Integration) -> None:
    made = stages(integration_sm2)
    files = dict(render(made, "hauberk.yaml"))
    listed = yaml.safe_load(files[KUSTOMIZATION])["resources"]
    read = [obj for name in listed for obj in yaml.safe_load_all(files[name])]
    assert [obj for obj in read if obj] == list(objects_of(made))
    assert list(files) == [*listed, KUSTOMIZATION]


def test_the_stream_holds_the_same_objects(integration_sm3: Integration) -> None:
    made = stages(integration_sm3)
    read = yaml.safe_load_all(render_stream(made, "hauberk.yaml"))
    assert [obj for obj in read if obj] == list(objects_of(made))


def test_the_command_for_a_secret_is_told_and_the_secret_is_not_there(integration_sm2: Integration) -> None:
    files = dict(render(stages(integration_sm2), "team.yaml"))
    assert "#   hauberk certs apply -f team.yaml\n" in files[KUSTOMIZATION]
    assert not any("kind: Secret" in text for text in files.values())


def test_what_is_no_longer_wanted_goes_and_foreign_files_stay(
    tmp_path: Path, integration_sm2: Integration, integration_sm3: Integration
) -> None:
    (tmp_path / "mine.yaml").write_text("a: 1\n")
    write(tmp_path, render(stages(integration_sm3), "hauberk.yaml"))
    assert (tmp_path / "25-strict-mtls.yaml").exists()
    write(tmp_path, render(stages(integration_sm2), "hauberk.yaml"))
    assert not (tmp_path / "25-strict-mtls.yaml").exists()
    assert (tmp_path / "mine.yaml").read_text() == "a: 1\n"


def test_a_foreign_file_of_the_same_name_stops_everything(
    tmp_path: Path, integration_sm2: Integration
) -> None:
    (tmp_path / KUSTOMIZATION).write_text("resources: []\n")
    with pytest.raises(Problem, match="was not made by"):
        write(tmp_path, render(stages(integration_sm2), "hauberk.yaml"))
    assert [path.name for path in tmp_path.iterdir()] == [KUSTOMIZATION]


def test_the_same_file_renders_the_same(integration_sm2: Integration) -> None:
    assert render(stages(integration_sm2), "f") == render(stages(integration_sm2), "f")


def test_a_certificate_of_cert_manager_is_asked_for_with_its_names() -> None:
    text = (
        "apiVersion: hauberk/v1alpha1\nkind: Integration\ndomain: a.example.com\nmembers: [knative-serving]\n"
        "eventing: {enabled: false}\ncertificate: {source: cert-manager, issuer: {name: i}, days: 30}\n"
    )
    (stage,) = [stage for stage in stages(parse(text)) if stage.name == "15-certificate"]
    (obj,) = stage.objects
    assert obj["spec"]["dnsNames"] == ["*.a.example.com"]
    assert obj["spec"]["duration"] == "720h"
    assert obj["spec"]["privateKey"] == {"algorithm": "RSA", "size": 2048, "rotationPolicy": "Always"}
    assert stage.secrets == ()

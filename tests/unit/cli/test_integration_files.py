"""init, certs, render and schema: what they print and write, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from hauberk.base.problems import Problem
from hauberk.cli import certs, init, render, schema
from hauberk.integration.load import load, parse


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: click.Command, *args: str, text: str | None = None) -> Result:
    return CliRunner().invoke(command, list(args), input=text)


def ready(*args: str) -> None:
    assert run(init.command, "--defaults", "--to", "hauberk.yaml", *args).exit_code == 0


def test_init_with_defaults_prints_a_valid_file_and_asks_nothing() -> None:
    done = run(init.command, "--defaults", "--member", "shop", "--member", "blog", "--kafka", "k:9092")
    assert done.exit_code == 0
    wanted = parse(done.stdout)
    assert wanted.members == ("knative-serving", "knative-eventing", "shop", "blog")
    assert wanted.kafka.bootstrap_servers == ("k:9092",)


def test_init_refuses_to_overwrite_and_says_how(folder: Path) -> None:
    ready()
    before = (folder / "hauberk.yaml").read_text()
    done = run(init.command, "--defaults", "--to", "hauberk.yaml", "--profile", "sm3")
    assert isinstance(done.exception, Problem)
    assert "--force" in done.exception.fix
    assert (folder / "hauberk.yaml").read_text() == before
    ready("--force", "--profile", "sm3")
    assert load(folder / "hauberk.yaml").profile == "sm3"


def test_init_asks_only_on_a_terminal() -> None:
    done = run(init.command, text="")
    assert isinstance(done.exception, Problem)
    assert "--defaults" in done.exception.fix


def test_answers_make_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "_demand_terminal", lambda: None)
    answers = "sm3\napps.example.org\ncert-manager\ncorporate\nshop, blog\nk.kafka:9092\ny\n"
    done = run(init.command, text=answers)
    assert done.exit_code == 0, done.output
    wanted = load(folder / "hauberk.yaml")
    assert (wanted.profile, wanted.domain, wanted.projects) == ("sm3", "apps.example.org", ("shop", "blog"))
    assert wanted.certificate.source == "cert-manager"
    assert wanted.kafka.enabled
    assert wanted.metrics.enabled


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["--member", "Shop"], "`members[2]` cannot be `Shop`"),
        (["--tenant", "alpha"], "is not a tenant"),
        (["--tenant", "alpha=shop"], "not a member"),
        (["--kafka", "nowhere"], "bootstrapServers[0]"),
        (["--certificate", "ca"], "needs `caCertificate`"),
        (["--no-eventing", "--kafka", "k:9092"], "without Eventing"),
    ],
)
def test_init_writes_no_file_that_cannot_work(folder: Path, args: list[str], what: str) -> None:
    done = run(init.command, "--defaults", "--to", "hauberk.yaml", *args)
    assert isinstance(done.exception, Problem)
    assert what in str(done.exception)
    assert not (folder / "hauberk.yaml").exists()


def test_render_prints_or_writes_the_same_objects(folder: Path) -> None:
    ready()
    printed = [obj for obj in yaml.safe_load_all(run(render.command).stdout) if obj]
    listed = json.loads(run(render.command, "-o", "json").stdout)["items"]
    assert run(render.command, "--to", "manifests").exit_code == 0
    order = yaml.safe_load((folder / "manifests" / "kustomization.yaml").read_text())["resources"]
    written = [o for f in order for o in yaml.safe_load_all((folder / "manifests" / f).read_text()) if o]
    assert printed == listed == written


@pytest.mark.parametrize("text", ["hello", "default/hello", "/hello=i", "default/=i", "elsewhere/hello=i"])
def test_render_refuses_a_service_that_it_does_not_understand(text: str) -> None:
    ready()
    assert isinstance(run(render.command, "--service", text).exception, Problem)


def test_render_of_a_broken_file_names_the_line(folder: Path) -> None:
    ready()
    file = folder / "hauberk.yaml"
    file.write_text(file.read_text().replace("metrics:", "metric:"))
    done = run(render.command)
    assert isinstance(done.exception, Problem)
    assert "did you mean `metrics`?" in done.exception.what
    assert not done.stdout


def test_certs_list_ends_with_3_until_they_are_made() -> None:
    ready()
    assert run(certs.command, "list").exit_code == 3
    assert run(certs.command, "create").exit_code == 0
    done = run(certs.command, "list", "-o", "json")
    assert done.exit_code == 0
    rows = json.loads(done.stdout)
    assert [row["file"] for row in rows] == ["root.crt", "wildcard.crt"]
    assert all(row["daysLeft"] >= 364 and not row["problem"] for row in rows)
    assert "ok" in run(certs.command, "list").stdout


def test_no_command_prints_a_key(folder: Path) -> None:
    ready()
    seen = "".join(
        run(certs.command, *args).output for args in (["create"], ["list"], ["renew"], ["list", "-o", "json"])
    )
    seen += run(render.command).output
    assert "PRIVATE" not in seen
    key = (folder / "certs" / "wildcard.key").read_text().splitlines()[1]
    assert key not in seen


def test_a_certificate_of_another_ca_is_imported_through_a_request(folder: Path) -> None:
    ready()
    assert run(certs.command, "request").exit_code == 0
    assert (folder / "certs" / "wildcard.csr").read_text().startswith("-----BEGIN CERTIFICATE REQUEST")
    (folder / "other.crt").write_text("no certificate\n")
    done = run(certs.command, "import", "--cert", "other.crt")
    assert isinstance(done.exception, Problem)
    done = run(certs.command, "import", "--cert", "other.crt", "--host", "shop.example.com")
    assert "is not a custom domain" in str(done.exception)


def test_certs_apply_says_who_makes_the_secret_when_it_is_not_made_here() -> None:
    ready("--certificate", "secret")
    done = run(certs.command, "apply")
    assert isinstance(done.exception, Problem)
    assert done.exception.fix == "kubectl get secret -n istio-system wildcard-certs"


def test_certs_apply_without_files_says_how_to_make_them() -> None:
    ready()
    done = run(certs.command, "apply")
    assert isinstance(done.exception, Problem)
    assert done.exception.fix == "hauberk certs create"


def test_the_schema_is_printed() -> None:
    assert json.loads(run(schema.command).stdout)["title"] == "hauberk.yaml"


def test_render_takes_less_than_a_third_of_a_second() -> None:
    ready("--kafka", "k:9092", "--tenant", "one=default")
    took = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "hauberk.cli.main", "render"], check=True, capture_output=True)
        took.append(time.monotonic() - began)
    assert min(took) < 0.3

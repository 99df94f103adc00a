"""What the commands for any cluster print, ask and refuse."""

from __future__ import annotations

import io
import json

import click
import pytest

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.cli import install, plan, preflight, target
from hauberk.cli.common import Progress
from hauberk.integration.plan import Change, Field
from hauberk.integration.preflight import Row

REF = Ref("Gateway.networking.istio.io", "knative-serving", "g")


def change(action: str, stage: str = "40-gateways", **rest) -> Change:
    return Change(stage=stage, ref=REF, action=action, **rest)  # type: ignore[arg-type]


def row(level: str, title: str = "t") -> Row:
    return Row(title=title, level=level, wanted="w", found="f", fix="do it")  # type: ignore[arg-type]


def test_a_plan_shows_what_changes_by_stage_and_counts_the_rest():
    fields = (Field(path="spec.a", before=None, after="x" * 100),)
    lines = [click.unstyle(line) for line in plan.lines_of([change("none"), change("change", fields=fields)])]
    assert lines[:2] == ["40-gateways", "  ~ Gateway.networking.istio.io knative-serving/g"]
    assert lines[2].startswith('      spec.a: (none) → "xxx')
    assert lines[2].endswith("…")


def test_what_was_done_is_told_in_the_past(capsys: pytest.CaptureFixture[str]):
    install.print_done((change("create"), change("delete"), change("none")), "text")
    assert capsys.readouterr().out == "1 created, 1 deleted, 1 as they are\n"
    install.print_done((change("create"),), "json")
    assert json.loads(capsys.readouterr().out)[0]["action"] == "create"


def test_a_preflight_tells_the_fix_of_what_is_not_fulfilled(capsys: pytest.CaptureFixture[str]):
    preflight.show([row("ok"), row("fail")], "text")
    out = click.unstyle(capsys.readouterr().out)
    assert out.count("fix:    do it") == 1
    assert out.endswith("1 fulfilled, 1 failed\n")


def test_a_failed_row_stops_an_install():
    tell = Progress(quiet=True)
    install.check((row("ok"), row("warn"), row("unknown")), tell)
    with pytest.raises(Problem, match=r"preflight: first \(and 1 more") as told:
        install.check((row("fail", "first"), row("fail", "second")), tell)
    assert told.value.fix == "do it"


def test_without_a_terminal_only_yes_goes_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    target.confirm("Sure?", yes=True)
    with pytest.raises(Problem, match="not confirmed"):
        target.confirm("Sure?", yes=False)


def test_an_embedded_cluster_and_a_context_contradict_each_other():
    assert target.kubeconfig_of("", "file", "ctx") == ("file", "ctx")
    with pytest.raises(Problem, match="two clusters"):
        target.kubeconfig_of("default", "", "ctx")

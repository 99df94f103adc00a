"""`hauberk demo`."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from pathlib import Path

import click

from hauberk.base.problems import Problem
from hauberk.cli.common import Progress, interrupt_on_signals


@click.command(
    epilog="""\b
Examples:
  hauberk demo           every step and every proof, then everything is removed
  hauberk demo --keep    leaves the cluster running to look around
"""
)
@click.option("--name", "-n", default="demo", show_default=True, help="The demo's cluster.")
@click.option("--keep", is_flag=True, help="Leave the cluster and its certificates in place.")
def command(name: str, keep: bool) -> None:
    """Run the document on a fresh cluster and prove that it holds.

    Follows "Integrating Service Mesh with OpenShift Serverless" with real kubectl, openssl and
    curl on an ephemeral cluster, then opens real connections that must succeed and others that
    must fail. Exit status 0 only when every proof holds.
    """
    from hauberk.cluster.launch import Wish, start, stop
    from hauberk.demo.proofs import Stage
    from hauberk.demo.run import apply_document, check_preflight, make_certificates, show_proofs
    from hauberk.demo.shell import Shell, kubernetes_client

    interrupt_on_signals()
    tell = Progress()
    kube = kubernetes_client()
    _make_way(name)
    folder = Path(tempfile.mkdtemp(prefix="hauberk-demo-"))
    all_hold = False
    try:
        tell.say("The document")
        make_certificates(Shell(cwd=folder), tell)
        options = start(Wish(name=name, ephemeral=True), tell=tell)
        shell = Shell(cwd=folder, env={"KUBECONFIG": str(options.paths.kubeconfig)})
        apply_document(shell, kube, tell)
        check_preflight(shell, kube, tell)
        tell.say("\nThe proofs, each one a real connection")
        stage = Stage(shell=shell, kube=kube, options=options)
        shown = show_proofs(stage, tell, also=lambda seen: tell.say(f"       {seen}"))
        all_hold = all(s.verdict.holds for s in shown)
        tell.say(f"\n{sum(s.verdict.holds for s in shown)} of {len(shown)} proofs hold.")
        _last_words(stage, folder, name, keep=keep)
    finally:
        if not keep:
            stop(name)
            shutil.rmtree(folder, ignore_errors=True)
    if not all_hold:
        raise click.exceptions.Exit(1)


def _make_way(name: str) -> None:
    """End an earlier demo that was kept. Raises Problem when the name is that of a cluster with state."""
    from hauberk.cluster import find
    from hauberk.cluster.launch import stop

    if find.is_running(name) and not find.running(name).ephemeral:
        raise Problem(
            f"cluster `{name}` is running and keeps its state",
            wanted="a name for the demo, whose cluster is new and removed at the end",
            found=f"`{name}`, started by `hauberk up`",
            fix="hauberk demo --name another",
        )
    stop(name)


def _last_words(stage: object, folder: Path, name: str, *, keep: bool) -> None:
    from hauberk.demo.proofs import Stage

    assert isinstance(stage, Stage)
    line = [word if word != "root.crt" else str(folder / "root.crt") for word in stage.curl_line()]
    if keep:
        click.echo("\nTry it:", err=True)
        click.echo(shlex.join(line))
        click.echo(f"export KUBECONFIG={stage.options.paths.kubeconfig}")
        click.echo(f"hauberk down --name {name}")
    else:
        click.echo("\nTo look around yourself: hauberk demo --keep. The request was:", err=True)
        click.echo(shlex.join(line))

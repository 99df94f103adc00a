"""`hauberk status`."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import click

from hauberk.base.problems import Problem
from hauberk.cli.common import name_option, output_option

MIB = 2**20
STATUS_PATH = "/hauberk/v1/status"


@click.command(
    epilog="""\b
Examples:
  hauberk status
  hauberk status -o json | jq -r .endpoints.api
  hauberk status --kubeconfig other.kubeconfig
"""
)
@name_option
@output_option
@click.option("--kubeconfig", type=click.Path(exists=True), help="Ask the cluster of this kubeconfig.")
@click.option("--context", help="Ask the cluster of this kubeconfig context.")
def command(name: str, output: str, kubeconfig: str | None, context: str | None) -> None:
    """Show the control plane, pods, proxies in sync, memory (PSS) and endpoints."""
    if kubeconfig or context:
        report = _through_kubectl(kubeconfig, context)
    else:
        from hauberk.cluster.find import status_of

        report = status_of(name)
    click.echo(json.dumps(report, indent=2) if output == "json" else _text(report))
    if report["state"] != "running":
        raise click.exceptions.Exit(1)


def _through_kubectl(kubeconfig: str | None, context: str | None) -> dict[str, Any]:
    client = shutil.which("kubectl") or shutil.which("oc")
    if client is None:
        raise Problem(
            "no Kubernetes command line is installed",
            wanted="`kubectl` or `oc`, which reads the kubeconfig",
            found="neither",
            fix="sudo apt-get install kubernetes-client",
        )
    argv = [client, "get", "--raw", STATUS_PATH]
    argv += ["--kubeconfig", kubeconfig] if kubeconfig else []
    argv += ["--context", context] if context else []
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    report = _report(done.stdout) if done.returncode == 0 else None
    if report is None:
        raise Problem(
            "the cluster of this kubeconfig does not answer as a Hauberk cluster",
            wanted=f"an answer at {STATUS_PATH}",
            found=(done.stderr or done.stdout).strip()[:500],
            fix=f"{client} cluster-info" + (f" --context {context}" if context else ""),
        )
    return report


def _report(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"name", "state", "endpoints"} <= found.keys() else None


def _text(report: dict[str, Any]) -> str:
    lines = [f"cluster {report['name']}: {report['state']}"]
    if report["state"] != "running":
        return "\n".join([*lines, f"  {report.get('hint', '')}"])
    lines += [f"  {key:<8}{value}" for key, value in report["endpoints"].items()]
    for resource in report["resources"]:
        mark = "✓" if resource["ready"] else "…"
        lines.append(f"  {mark} {resource['kind']} {resource['namespace']}/{resource['name']}")
    pods, proxies = report["pods"], report["proxies"]
    lines.append(f"  pods    {pods['ready']}/{pods['total']} ready")
    waiting = [p for p in pods["items"] if not p["ready"] and p["phase"] not in ("Succeeded", "Failed")]
    lines += [f"            {p['namespace']}/{p['name']} {p['phase']}" for p in waiting]
    lines.append(f"  proxies {proxies['synced']}/{proxies['total']} in sync")
    lines += [f"            {p['proxy']} {p['status']}" for p in proxies["items"] if p["status"] != "SYNCED"]
    memory = report.get("memory")
    if memory:
        parts = ", ".join(f"{k} {v / MIB:.0f}" for k, v in memory["byPart"].items())
        lines.append(f"  memory  {memory['pssBytes'] / MIB:.0f} MiB PSS ({parts})")
    return "\n".join(lines)

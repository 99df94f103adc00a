"""`hauberk`: the table of commands, and the one place that prints a failure.

Commands are imported when they are called, so `hauberk --help` stays fast.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from hauberk import __version__
from hauberk.base.problems import Problem

COMMANDS = {
    "up": "Start an embedded cluster in the background.",
    "down": "Stop an embedded cluster; nothing of it stays running.",
    "status": "Show the control plane, pods, proxies, memory and endpoints.",
    "kubeconfig": "Print the kubeconfig of an embedded cluster.",
    "demo": "Run the document on a fresh cluster and prove that it holds.",
    "verify": "Send real traffic that must pass and that must not; print what came of it.",
    "doctor": "Check a cluster or manifests: wanted, found, fix.",
    "mesh": "Say what applies to a pod, service or route, and who decides about a call.",
    "events": "Send events, and look at those of a broker or channel as they come.",
    "image": "Add, load, pull, list and remove images.",
    "enter": "Run a command on the pod network, or in a pod's network.",
    "init": "Write hauberk.yaml, the one file of the integration.",
    "certs": "Make, show, renew and import its certificates.",
    "render": "Write its manifests, in order and explained.",
    "plan": "Show what `install` would change on a cluster.",
    "preflight": "Check a cluster before anything is changed there.",
    "install": "Carry out hauberk.yaml on a cluster, in order, waiting for each stage.",
    "upgrade": "Go from the installed profile to that of hauberk.yaml.",
    "metrics": "Expose the metrics of Knative's workloads, or stop.",
    "network-policies": "Say who makes NetworkPolicies for Knative.",
    "secrets": "Label certificates for net-istio, and switch its filter.",
    "tenant": "Keep namespaces apart: add, remove and list tenants.",
    "support": "Collect what somebody who helps needs to see.",
    "uninstall": "Undo `install`, in reverse order, leaving nothing of it.",
    "schema": "Print the JSON schema of hauberk.yaml, for editors.",
    "completion": "Print the shell completion script.",
}
EPILOG = """\b
Examples:
  hauberk demo                     the document, start to finish
  hauberk up                       a cluster in the background
  export KUBECONFIG=$(hauberk kubeconfig --path)
  kubectl get pods -A
  hauberk down
"""


class Table(click.Group):
    """Commands by name, each in its own module `hauberk.cli.NAME`, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of a newcomer's needs."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and take its `command`."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"hauberk.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(found, click.Command), cmd_name
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the table without importing a single command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Table, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hauberk")
@click.option("--debug", is_flag=True, envvar="HAUBERK_DEBUG", help="Show tracebacks.")
def cli(debug: bool) -> None:
    """OpenShift Serverless on a strict-mTLS service mesh, from a laptop to a cluster."""
    if debug:
        os.environ["HAUBERK_DEBUG"] = "1"


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 problem, 2 usage, 3 checks failed, 130 Ctrl-C."""
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)  # click returns the code of an Exit
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except Problem as problem:
        if os.environ.get("HAUBERK_DEBUG"):
            raise
        click.echo(str(problem), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

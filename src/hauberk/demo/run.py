"""Follows the document on a cluster that runs: steps, preflight, proofs, each announced and timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hauberk.base.problems import Problem
from hauberk.base.progress import Teller
from hauberk.demo.judges import Verdict
from hauberk.demo.proofs import PROOFS, Proof, Stage
from hauberk.demo.shell import Shell
from hauberk.demo.steps import (
    CERTIFICATES,
    GATEWAYS_JSONPATH,
    GATEWAYS_WANTED,
    KUBE,
    QUICK_SCALE_DOWN,
    STEPS,
    Step,
    exposed_gateways,
    gateway_lines,
)

READY_WITHIN_S = 90


@dataclass(frozen=True, slots=True)
class Shown:
    """A proof and what it came to."""

    proof: Proof
    verdict: Verdict


def make_certificates(shell: Shell, tell: Teller) -> None:
    """Step 1 of the document, in the shell's directory."""
    tell.start(CERTIFICATES.title)
    for argv in CERTIFICATES.commands:
        shell.must(argv)
    tell.done()


def apply_document(shell: Shell, kube: str, tell: Teller) -> None:
    """Steps 3 to 5. Raises Problem at the first step that fails, with what is not ready."""
    apply_steps(STEPS, shell, kube, tell)


def apply_steps(steps: Sequence[Step], shell: Shell, kube: str, tell: Teller) -> None:
    """Some of the document's steps. Raises Problem."""
    for step in steps:
        _carry_out(step, shell, kube, tell)


def _carry_out(step: Step, shell: Shell, kube: str, tell: Teller) -> None:
    tell.start(step.title)
    try:
        for command in step.commands:
            shell.must([kube if word == KUBE else word for word in command])
        for wait in step.waits:
            shell.must([kube, "wait", f"--timeout={READY_WITHIN_S}s", *wait], timeout_s=READY_WITHIN_S + 10)
    except Problem:
        tell.failed()
        raise
    tell.done()


def check_preflight(shell: Shell, kube: str, tell: Teller) -> None:
    """Step 2 of the document, after its gateways exist. Raises Problem on another listing."""
    tell.start("preflight: gateways and their exposure")
    listing = shell.must([kube, "get", "gateway", "-A", "-o", f"jsonpath={GATEWAYS_JSONPATH}"])
    exposed = exposed_gateways(shell.must([kube, "get", "svc", "-A"]))
    if gateway_lines(listing) != GATEWAYS_WANTED or exposed:
        tell.failed()
        raise Problem(
            "the preflight does not show what the document shows",
            wanted="\n          ".join(GATEWAYS_WANTED),
            found="\n          ".join([*gateway_lines(listing), *exposed]) or "nothing",
            fix="kubectl get gateway -A",
        )
    tell.done()


def show_proofs(
    stage: Stage, tell: Teller, *, proofs: Sequence[Proof] = PROOFS, also: Callable[[str], None] | None = None
) -> list[Shown]:
    """Open the connections of every proof; the list has one verdict for each."""
    shown = []
    for proof in proofs:
        if proof.id == "from-zero":
            stage.shell.must([stage.kube if word == KUBE else word for word in QUICK_SCALE_DOWN])
        tell.start(proof.title)
        try:
            verdict = proof.show(stage)
        except Problem as problem:
            verdict = Verdict(False, str(problem))
        (tell.done if verdict.holds else tell.failed)()
        if also:
            also(verdict.seen)
        shown.append(Shown(proof, verdict))
    return shown

"""The certificates of an Integration as files: what there should be, what there is, making and renewing it.

The files are those of the document's openssl commands (`root.crt`, `root.key`, `wildcard.crt`,
`wildcard.key`, PEM) and either tool continues what the other began; unlike the document's, certificates have
a subjectAltName. Keys are 0600, their directory 0700.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hauberk.base.files import write_whole
from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration.model import Integration
from hauberk.integration.profiles.objects import SECRET_LABEL, make
from hauberk.integration.rules import covers
from hauberk.pki import inspect
from hauberk.pki.inspect import CertificateFacts
from hauberk.pki.issuing import DAY_S, Issuer, Wanted, authority, request
from hauberk.ports import KeyPair

ROOT, WILDCARD = "root", "wildcard"
RENEW_BEFORE_S = 30 * DAY_S
WARN_BEFORE_S = 60 * DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A certificate that the integration needs: its files `STEM.crt` and `STEM.key`, its Secret."""

    stem: str
    hosts: tuple[str, ...]
    secret: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One certificate as it is. `problem` is empty when it can be used; `advice` does not prevent that."""

    file: str
    what: str
    hosts: tuple[str, ...]
    issuer: str
    algorithm: str
    not_after: float  # seconds since the epoch; 0 when there is none
    days_left: int
    problem: str = ""
    advice: str = ""


def leaves_of(wanted: Integration) -> tuple[Leaf, ...]:
    """The certificates of the domain and of each custom domain."""
    source = wanted.certificate
    first = Leaf(
        stem=WILDCARD,
        hosts=wanted.certificate_hosts,
        secret=Ref("Secret", wanted.gateway_namespace, source.secret_name),
    )
    more = (
        Leaf(stem=d.host, hosts=(d.host,), secret=Ref("Secret", d.namespace, d.secret))
        for d in source.custom_domains
    )
    return (first, *more)


def directory_of(wanted: Integration, file: Path) -> Path:
    """Where the files are, beside `hauberk.yaml`."""
    return file.parent / wanted.certificate.directory


# What there is


def judge_leaf(leaf: Leaf, pair: KeyPair | None, roots: bytes, now: float) -> Row:
    """What to say about a certificate's files; `roots` may be empty when nobody knows the CA."""
    if pair is None:
        return _row(f"{leaf.stem}.crt", "certificate", leaf.hosts, problem="is not there")
    try:
        facts = inspect.facts_of(pair.chain)[0]
    except ValueError:
        return _row(f"{leaf.stem}.crt", "certificate", leaf.hosts, problem="is not a PEM certificate")
    problem = next(_faults(leaf, facts, pair, roots, now), "")
    return _row(f"{leaf.stem}.crt", "certificate", facts.dns_names, facts, now, problem)


def _faults(leaf: Leaf, facts: CertificateFacts, pair: KeyPair, roots: bytes, now: float) -> Iterator[str]:
    if not pair.key:
        yield "has no key beside it"
    elif not inspect.key_matches(pair.chain, pair.key):
        yield "does not belong to its key"
    if not facts.dns_names:
        yield "has no subjectAltName: curl may accept it by its common name, other clients refuse it"
    missing = [host for host in leaf.hosts if not _is_covered(host, facts.dns_names)]
    if missing:
        yield f"does not cover {', '.join(missing)}"
    if facts.not_after <= now:
        yield "has expired"
    if roots and not inspect.is_signed_by(pair.chain, roots):
        yield "is not signed by root.crt"


def _is_covered(host: str, names: Sequence[str]) -> bool:
    return host in names or any(covers(name, host) for name in names)


def judge_root(pair: KeyPair | None, now: float) -> Row:
    """What to say about the root's files; its key may be absent when another CA signs."""
    if pair is None:
        return _row("root.crt", "root", (), problem="is not there")
    try:
        facts = inspect.facts_of(pair.chain)[0]
    except ValueError:
        return _row("root.crt", "root", (), problem="is not a PEM certificate")
    problem = ""
    if not facts.is_ca:
        problem = "is not a CA (no basicConstraints CA:TRUE)"
    elif pair.key and not inspect.key_matches(pair.chain, pair.key):
        problem = "does not belong to its key"
    elif facts.not_after <= now:
        problem = "has expired"
    return _row("root.crt", "root", (), facts, now, problem)


def _row(
    file: str,
    what: str,
    hosts: tuple[str, ...],
    facts: CertificateFacts | None = None,
    now: float = 0,
    problem: str = "",
) -> Row:
    left = facts.not_after - now if facts else 0
    soon = facts is not None and 0 < left < WARN_BEFORE_S
    return Row(
        file=file,
        what=what,
        hosts=hosts,
        issuer=facts.issuer if facts else "",
        algorithm=facts.algorithm if facts else "",
        not_after=facts.not_after if facts else 0,
        days_left=max(0, int(left // DAY_S)),
        problem=problem,
        advice="ends soon: hauberk certs renew" if soon and not problem else "",
    )


def read_pair(directory: Path, stem: str) -> KeyPair | None:
    """The pair's files, or None when there is no certificate; a missing key is empty."""
    chain, key = directory / f"{stem}.crt", directory / f"{stem}.key"
    if not chain.is_file():
        return None
    return KeyPair(chain.read_bytes(), key.read_bytes() if key.is_file() else b"")


def report(wanted: Integration, directory: Path, now: float) -> tuple[Row, ...]:
    """Every certificate of the integration as it is."""
    root = read_pair(directory, ROOT)
    roots = root.chain if root else b""
    rows = [judge_root(root, now)] if wanted.certificate.source in ("generate", "ca") else []
    rows += [judge_leaf(leaf, read_pair(directory, leaf.stem), roots, now) for leaf in leaves_of(wanted)]
    return tuple(rows)


# Making


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """What to make anew although it can be used: the certificates, and the root as well."""

    leaves: bool = False
    root: bool = False


def create(
    wanted: Integration, file: Path, now: float, renew: Renew | None = None
) -> tuple[tuple[str, str], ...]:
    """Make what is missing or cannot be used; (file, `made` | `kept` | `renewed`) of each. Raises Problem.

    What is valid stays as it is, unless `renew` says otherwise. A CA of the organisation is never made.
    """
    renew = renew or Renew()
    _refuse_other_sources(wanted)
    directory = directory_of(wanted, file)
    root, told = _root(wanted, file, directory, now, renew)
    rows = [("root.crt", told)]
    for leaf in leaves_of(wanted):
        old = read_pair(directory, leaf.stem)
        row = judge_leaf(leaf, old, root.chain, now)
        expiring = row.not_after - now < min(RENEW_BEFORE_S, wanted.certificate.days * DAY_S / 3)
        if old and not row.problem and not renew.leaves and told == "kept" and not expiring:
            rows.append((row.file, "kept"))
            continue
        _write(directory, leaf.stem, _issue(wanted, leaf, _issuer(root, directory), now))
        rows.append((row.file, "renewed" if old else "made"))
    return tuple(rows)


def _issuer(root: KeyPair, directory: Path) -> Issuer:
    if root.key:
        return Issuer(root)
    raise Problem(
        f"`{directory / 'root.key'}` is not there",
        wanted="the key of root.crt, which signs the certificates",
        found="root.crt alone",
        fix="hauberk certs request; or hauberk certs renew --root, whose new root clients must then trust",
    )


def _refuse_other_sources(wanted: Integration) -> None:
    fixes = {
        "secret": "kubectl get secret -A --field-selector metadata.name=" + wanted.certificate.secret_name,
        "cert-manager": "kubectl get certificates.cert-manager.io -A",
    }
    if fix := fixes.get(wanted.certificate.source):
        raise Problem(
            "the certificate is not made here",
            wanted="certificate.source `generate` or `ca`",
            found=f"`{wanted.certificate.source}`",
            fix=fix,
        )


def _root(wanted: Integration, file: Path, directory: Path, now: float, renew: Renew) -> tuple[KeyPair, str]:
    source = wanted.certificate
    if source.source == "ca":
        pair = _organisation(file.parent / source.ca_certificate, file.parent / source.ca_key, now)
        known = read_pair(directory, ROOT)
        write_public(directory / "root.crt", pair.chain)
        return pair, "kept" if known and known.chain == pair.chain else "made"
    old = read_pair(directory, ROOT)
    row = judge_root(old, now)
    if old and not row.problem and not renew.root:
        return old, "kept"
    life_s = source.days * DAY_S
    pair = authority(source.root_name, source.organization, now=now, life_s=life_s, kind=source.key)
    _write(directory, ROOT, pair)
    return pair, "renewed" if old else "made"


def _organisation(certificate: Path, key: Path, now: float) -> KeyPair:
    """The organisation's CA. Raises Problem when it cannot sign."""
    try:
        pair = KeyPair(certificate.read_bytes(), key.read_bytes())
    except OSError as error:
        raise Problem(
            "the organisation's CA cannot be read",
            wanted=f"`{certificate}` and `{key}`, PEM",
            found=str(error.strerror or error),
            fix="correct certificate.caCertificate and certificate.caKey",
        ) from error
    row = judge_root(pair, now)
    if row.problem or not inspect.key_matches(pair.chain, pair.key):
        raise Problem(
            "the organisation's CA cannot sign",
            wanted="a CA's certificate, valid, and its key without a password",
            found=f"it {row.problem}" if row.problem else "a key that cannot be read or is another's",
            fix=f"openssl x509 -in {certificate} -noout -text",
        )
    return pair


def _issue(wanted: Integration, leaf: Leaf, issuer: Issuer, now: float) -> KeyPair:
    source = wanted.certificate
    pair = issuer.issue(_subject(wanted, leaf), now=now, kind=source.key)
    # Below an intermediate CA clients need its certificate, too; a root they have themselves.
    own = issuer.certificate
    return pair if own.issuer == own.subject else KeyPair(pair.chain + issuer.chain, pair.key)


def _subject(wanted: Integration, leaf: Leaf) -> Wanted:
    source = wanted.certificate
    return Wanted(
        common_name=leaf.hosts[0] if len(leaf.hosts[0]) <= 64 else "",
        organizations=(source.organization,) if source.organization else (),
        hosts=leaf.hosts,
        life_s=source.days * DAY_S,
        client=False,
    )


def write_public(path: Path, content: bytes) -> None:
    """A certificate: readable by everybody who can enter its directory."""
    write_whole(path, content)
    path.chmod(0o644)


def _write(directory: Path, stem: str, pair: KeyPair) -> None:
    """The key first: a certificate is there only with its key."""
    write_whole(directory / f"{stem}.key", pair.key)
    write_public(directory / f"{stem}.crt", pair.chain)


def make_requests(wanted: Integration, directory: Path) -> tuple[str, ...]:
    """Keys and signing requests for another CA, `STEM.key` and `STEM.csr`; keys that exist stay."""
    files = []
    for leaf in leaves_of(wanted):
        if (directory / f"{leaf.stem}.csr").exists() and (directory / f"{leaf.stem}.key").exists():
            continue
        pair = request(_subject(wanted, leaf), kind=wanted.certificate.key)
        write_whole(directory / f"{leaf.stem}.key", pair.key)
        write_public(directory / f"{leaf.stem}.csr", pair.chain)
        files.append(f"{leaf.stem}.csr")
    return tuple(files)


def import_pair(leaf: Leaf, directory: Path, pair: KeyPair, roots: bytes, now: float) -> Row:
    """Take over a certificate that another CA made. Raises Problem when it does not fit."""
    row = judge_leaf(leaf, pair, roots, now)
    if row.problem:
        raise Problem(
            f"the certificate {row.problem}",
            wanted=f"a valid certificate for {', '.join(leaf.hosts)} with its key",
            found=f"one for {', '.join(row.hosts) or 'no host'}",
            fix="hauberk certs request, and have the request signed",
        )
    _write(directory, leaf.stem, pair)
    if roots:
        write_public(directory / "root.crt", roots)
    return row


# Secrets


def secrets_of(wanted: Integration, file: Path, now: float) -> dict[Ref, Json]:
    """The Secrets of the integration, from its files. Empty when none is ours to make. Raises Problem."""
    if wanted.certificate.source not in ("generate", "ca"):
        return {}
    directory = directory_of(wanted, file)
    root = read_pair(directory, ROOT)
    secrets = [_secret(leaf, directory, root.chain if root else b"", now) for leaf in leaves_of(wanted)]
    return {ref_of(secret): secret for secret in secrets}


def _secret(leaf: Leaf, directory: Path, roots: bytes, now: float) -> Json:
    pair = read_pair(directory, leaf.stem)
    row = judge_leaf(leaf, pair, roots, now)
    if pair is None or row.problem:
        raise Problem(
            f"`{directory / row.file}` {row.problem}",
            wanted=f"a certificate for {', '.join(leaf.hosts)}",
            found=row.problem,
            fix="hauberk certs create" if pair is None else "hauberk certs renew",
        )
    return make_secret(leaf.secret, pair)


def make_secret(ref: Ref, pair: KeyPair) -> Json:
    """A Secret as `kubectl create secret tls` makes it, labelled for Knative's filter."""
    rows = {"tls.crt": pair.chain, "tls.key": pair.key}
    return make(
        "v1",
        "Secret",
        ref.name,
        ref.namespace,
        labels={SECRET_LABEL: ref.name},
        type="kubernetes.io/tls",
        data={name: base64.b64encode(content).decode() for name, content in rows.items()},
    )

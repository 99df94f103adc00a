"""Stages as files that people review and kubectl applies: ordered, commented, always the same.

Nothing is secret in them: a stage's Secrets are named with the command that creates them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref
from hauberk.integration.notes import note_of
from hauberk.integration.stages import Stage
from hauberk.integration.yamltext import comment_block, emit

KUSTOMIZATION = "kustomization.yaml"
MARK = "# Rendered by `hauberk render`"


def render_object(obj: Json) -> str:
    """One object as YAML, its settings explained beside them."""
    kind = obj["kind"]
    return emit(obj, lambda path, value: note_of(kind, path, value))


def render_stage(stage: Stage, file: str) -> str:
    """One stage: its title, its reason, its objects."""
    head = comment_block(f"{stage.title}.") + comment_block(stage.why)
    head += "".join(_secret(ref, file) for ref in stage.secrets)
    return head + "".join(f"---\n{render_object(obj)}" for obj in stage.objects)


def render(stages: Sequence[Stage], file: str) -> tuple[tuple[str, str], ...]:
    """(file name, text) of every stage with objects, in order, and of the kustomization; `file` made them."""
    head = _head(file)
    rows = [(f"{stage.name}.yaml", head + render_stage(stage, file)) for stage in stages if stage.objects]
    return (*rows, (KUSTOMIZATION, _kustomization(stages, file)))


def render_stream(stages: Sequence[Stage], file: str) -> str:
    """All stages as one stream of documents."""
    return _head(file) + "\n".join(render_stage(stage, file) for stage in stages)


def _head(file: str) -> str:
    return f"{MARK} from {file}: change that file and render again.\n#\n"


def _secret(ref: Ref, file: str) -> str:
    told = comment_block(
        f"The Secret {ref.namespace}/{ref.name} holds a key, so it is not here. This makes it:"
    )
    return f"#\n{told}#   hauberk certs apply -f {file}\n"


def _kustomization(stages: Sequence[Stage], file: str) -> str:
    head = _head(file) + comment_block(
        "`kubectl apply -k` sends everything at once and waits for nothing: apply it again when a webhook "
        "was not there yet, or let `hauberk install` wait between the files."
    )
    head += "".join(_secret(ref, file) for stage in stages for ref in stage.secrets)
    names = [f"{stage.name}.yaml" for stage in stages if stage.objects]
    return head + emit(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "sortOptions": {"order": "fifo"},
            "resources": names,
        }
    )


def write(directory: Path, files: Sequence[tuple[str, str]]) -> None:
    """Make the directory hold these files; earlier ones of ours go, foreign ones are never touched.

    Raises Problem when a name is taken by a file that is not ours, before anything is written.
    """
    wanted = dict(files)
    for name in wanted:
        _refuse_foreign(directory / name)
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (directory / name).write_text(text)
    for path in _ours(directory):
        if path.name not in wanted:
            path.unlink()


def _ours(directory: Path) -> Iterator[Path]:
    return (path for path in sorted(directory.glob("*.yaml")) if _is_ours(path))


def _is_ours(path: Path) -> bool:
    with path.open(errors="replace") as text:
        return text.readline().startswith(MARK)


def _refuse_foreign(path: Path) -> None:
    if path.exists() and not _is_ours(path):
        raise Problem(
            f"`{path}` was not made by `hauberk render`",
            wanted="a directory of its own for what is rendered",
            found="a file that would be overwritten",
            fix=f"hauberk render --to {path.parent}-rendered",
        )

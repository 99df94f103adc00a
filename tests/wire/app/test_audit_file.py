"""The audit log's files."""

from __future__ import annotations

from pathlib import Path

from hauberk.app.audit_file import AuditFile


def test_files_take_turns_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "logs" / "audit.log", most_bytes=10)
    for number in range(9):
        file.write(f"line {number}\n".encode())
    file.close()
    found = sorted(p.name for p in (tmp_path / "logs").iterdir())
    assert found == ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3"]
    assert (tmp_path / "logs" / "audit.log").read_text() == "line 8\n"
    assert (tmp_path / "logs" / "audit.log").stat().st_mode & 0o777 == 0o600

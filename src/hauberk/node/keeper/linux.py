"""The system calls that Python 3.11 does not offer. A failure is an OSError that names the call."""

from __future__ import annotations

import ctypes
import os
import signal

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 0x1
_MOUNT_ATTR_NOSUID = 0x2
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_NAME = 15
_LAST_CAPABILITY = 63

CAP_DAC_OVERRIDE = 1
CAP_NET_BIND_SERVICE = 10
CAP_NET_ADMIN = 12
CAP_NET_RAW = 13
CONTAINER_CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 8, CAP_NET_BIND_SERVICE})
"""chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service.

Source: CRI-O's default_capabilities. net_raw is not among them: it would allow SO_MARK, the way around the
pod's own Envoy.
"""
PROXY_CAPABILITIES = frozenset({CAP_DAC_OVERRIDE, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW})

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str, *where: object) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}", *where)
    return result


def unshare(flags: int) -> None:
    """Leave the shared namespaces named by CLONE_NEW* flags."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, kind: int) -> None:
    """Join the namespace (or, for a pidfd, several) behind `fd`."""
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount, bind or remount; a failure names source and target."""
    done = _libc.mount(
        source.encode(),
        target.encode(),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        data.encode() or None,
    )
    _check(done, f"mount {kind or 'bind'} {source}", target)


def make_read_only(target: str) -> None:
    """Make a mount and all below it read-only and nosuid, keeping locked flags.

    Kernels before 5.12 have no mount_setattr: there only the mount itself is changed.
    """
    attr = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID, 0, 0, 0)
    done = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        target.encode(),
        ctypes.c_uint(_AT_RECURSIVE),
        attr,
        ctypes.c_size_t(32),
    )
    if done < 0:
        kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        mount("none", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def umount(target: str, flags: int = MNT_DETACH) -> None:
    """umount2(2); lazily unless told otherwise."""
    _check(_libc.umount2(target.encode(), ctypes.c_int(flags)), "umount", target)


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root and put the old one at `old`."""
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(ctypes.c_long(number), new.encode(), old.encode()), "pivot_root", new)


def exchange(one: str, other: str) -> None:
    """Swap what two paths name, in one step."""
    at, flag = ctypes.c_int(_AT_FDCWD), ctypes.c_uint(_RENAME_EXCHANGE)
    _check(_libc.renameat2(at, one.encode(), at, other.encode(), flag), "renameat2", one)


def sethostname(name: str) -> None:
    """Set the host name of the uts namespace."""
    raw = name.encode()[:64]
    _check(_libc.sethostname(raw, ctypes.c_size_t(len(raw))), "sethostname")


def _prctl(option: int, value: int, call: str) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero), call)


def die_with_parent(sig: int = signal.SIGKILL) -> None:
    """Be sent `sig` when the parent ends. Does not notice a parent that is gone already."""
    _prctl(_PR_SET_PDEATHSIG, sig, "prctl(PDEATHSIG)")


def become_subreaper() -> None:
    """Become the parent of orphaned descendants."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, "prctl(CHILD_SUBREAPER)")


def no_new_privileges() -> None:
    """Refuse privileges by set-uid files and file capabilities, for ever."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, "prctl(NO_NEW_PRIVS)")


def keep_capabilities(kept: frozenset[int]) -> None:
    """Drop every other capability from the bounding set; takes effect at exec."""
    for cap in range(_LAST_CAPABILITY + 1):
        if cap in kept:
            continue
        try:
            _prctl(_PR_CAPBSET_DROP, cap, "prctl(CAPBSET_DROP)")
        except OSError:
            return  # the first number the kernel does not know


def set_process_name(name: str) -> None:
    """Set the 15 bytes that ps shows as the command's name."""
    buffer = ctypes.create_string_buffer(name.encode()[:15])
    _libc.prctl(ctypes.c_int(_PR_SET_NAME), buffer, 0, 0, 0)


def is_deaf(status: str, number: int) -> bool:
    """Whether a signal to this process is lost: it is pid 1 of its own namespace and has no handler.

    `status` is the text of its /proc/PID/status. Source: linux kernel/signal.c, sig_task_ignored.
    """
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    inner = fields["NSpid"].split()[1:]
    mentioned = int(fields["SigCgt"], 16) | int(fields["SigIgn"], 16)
    return inner[-1:] == ["1"] and not mentioned >> (number - 1) & 1


def map_single_id(uid: int, gid: int, inside_uid: int = 0, inside_gid: int = 0) -> None:
    """After unshare(CLONE_NEWUSER): appear as `inside_uid:inside_gid` there."""
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside_uid} {uid} 1"),
        ("gid_map", f"{inside_gid} {gid} 1"),
    ):
        write_file(f"/proc/self/{file}", text)


def write_file(path: str, text: str, mode: int = 0o600) -> None:
    """Write a small file in one call, as /proc wants it."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)

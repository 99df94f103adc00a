"""A container's file system, put together by the container's own first process just before exec.

Two kinds of root. An image's root file system becomes the lower layer of an overlay (a copy where the
kernel has no overlay for users). Without one, the root is a tmpfs on which the host's programs appear
read-only. Then /proc, /dev, /sys, the pod's names, and the mounts that the caller asks for, at any path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence

from hauberk.node.keeper import linux

_PROGRAMS = ("usr", "bin", "sbin", "lib", "lib64", "lib32", "libx32", "opt")
_ETC = (
    "ssl",
    "pki",
    "ca-certificates",
    "ld.so.cache",
    "alternatives",
    "nsswitch.conf",
    "localtime",
    "mime.types",
    "crypto-policies",
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_WRITABLE = ("/tmp", "/var/log")  # directories that an app may count on. Source: Knative's runtime contract
_HOST = "/.host"
_LAYER = "/.layer"
_LINKS = (
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
)


def enter(
    root: str,
    scratch: str,
    binds: Sequence[tuple[str, str, bool]],
    files: Sequence[tuple[str, str]],
    *,
    read_only: bool,
) -> None:
    """Make a new root the caller's, in a mount namespace of its own. OSError names what failed.

    `root`: an unpacked image or empty. `scratch`: an empty directory for the writable layer. `binds`:
    (source, target, read-only). `files`: (path, content) of small generated files.
    """
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    sources = [os.path.realpath(source) for source, _, _ in binds]
    os.makedirs(scratch, 0o700, exist_ok=True)
    if root:
        new = _image_root(root, scratch)
    else:
        new = scratch
        linux.mount("tmpfs", new, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755")
    os.makedirs(new + _HOST, 0o700, exist_ok=True)
    linux.pivot_root(new, new + _HOST)
    os.chdir("/")
    if not root:
        _host_programs()
    _system()
    for path in _WRITABLE:
        if not os.path.exists(path):
            os.makedirs(path, 0o755)
            os.chmod(path, 0o1777)
    for path, content in files:
        _write(path, content)
    for source, (_, target, bind_read_only) in zip(sources, binds, strict=True):
        _bind(_HOST + source, target, read_only=bind_read_only)
    linux.umount(_HOST)
    os.rmdir(_HOST)
    if read_only:
        kept = os.statvfs("/").f_flag & (linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
        linux.mount("none", "/", "", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | kept)


def _image_root(root: str, scratch: str) -> str:
    for name in ("upper", "work", "root"):
        os.makedirs(f"{scratch}/{name}", 0o755, exist_ok=True)
    new = f"{scratch}/root"
    try:
        _overlay(root, f"{scratch}/upper", f"{scratch}/work", new)
    except OSError:
        _copy(root, new)
        linux.mount(new, new, "", linux.MS_BIND)
    return new


def _overlay(lower: str, upper: str, work: str, target: str) -> None:
    def escaped(path: str) -> str:
        return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")

    layers = f"lowerdir={escaped(lower)},upperdir={escaped(upper)},workdir={escaped(work)}"
    try:
        linux.mount("overlay", target, "overlay", linux.MS_NODEV, f"{layers},userxattr")
    except OSError:
        linux.mount("overlay", target, "overlay", linux.MS_NODEV, layers)


def _copy(source: str, target: str) -> None:
    import shutil  # only where the kernel offers no overlay

    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def _host_programs() -> None:
    for name in _PROGRAMS:
        host = f"{_HOST}/{name}"
        try:
            mode = os.lstat(host).st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(host), f"/{name}")
        else:
            os.mkdir(f"/{name}", 0o755)
            linux.mount(host, f"/{name}", "", linux.MS_BIND | linux.MS_REC)
            linux.make_read_only(f"/{name}")
    for name in ("etc", "root", "run", "var", "home", "var/tmp"):
        os.mkdir(f"/{name}", 0o755)
    os.chmod("/var/tmp", 0o1777)
    os.symlink("/run", "/var/run")
    for name in _ETC:
        if os.path.exists(f"{_HOST}/etc/{name}"):
            _bind(os.path.realpath(f"{_HOST}/etc/{name}"), f"/etc/{name}", read_only=True)


def _system() -> None:
    for name in ("proc", "sys", "dev"):
        os.makedirs(f"/{name}", 0o755, exist_ok=True)
    safe = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", "/proc", "proc", safe)
    with contextlib.suppress(OSError):  # a host that hides parts of /sys does not let users mount it
        linux.mount("sysfs", "/sys", "sysfs", safe | linux.MS_RDONLY)
    linux.mount("tmpfs", "/dev", "tmpfs", linux.MS_NOSUID, "mode=0755,size=64k")
    for name in _DEVICES:
        if os.path.exists(f"{_HOST}/dev/{name}"):
            _bind(f"{_HOST}/dev/{name}", f"/dev/{name}", read_only=False)
    for name in ("shm", "pts", "mqueue"):
        os.mkdir(f"/dev/{name}", 0o755)
    linux.mount("tmpfs", "/dev/shm", "tmpfs", safe, "mode=1777,size=64m")
    with contextlib.suppress(OSError):  # no terminals then; nothing here allocates one
        pts = "newinstance,ptmxmode=0666,mode=0620"
        linux.mount("devpts", "/dev/pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, pts)
    for target, name in _LINKS:
        os.symlink(target, f"/dev/{name}")


def _write(path: str, content: str) -> None:
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    if os.path.islink(path):
        os.unlink(path)
    linux.write_file(path, content, 0o644)


def _bind(source: str, target: str, *, read_only: bool) -> None:
    if not os.path.exists(source):
        raise OSError(errno.ENOENT, "bind mount source path does not exist", source.removeprefix(_HOST))
    try:
        _ensure(target, directory=os.path.isdir(source))
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        _mirror(target)
        _ensure(target, directory=os.path.isdir(source))
    linux.mount(source, target, "", linux.MS_BIND | linux.MS_REC)
    if read_only:
        linux.make_read_only(target)


def _ensure(target: str, *, directory: bool) -> None:
    if os.path.exists(target):
        return
    if directory:
        os.makedirs(target, 0o755, exist_ok=True)
        return
    os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
    linux.write_file(target, "", 0o644)


def _mirror(target: str) -> None:
    """Make the nearest existing directory above `target` one of our own that shows the same entries.

    An overlay would be simpler, but an unprivileged user may not write into a directory of the host's root
    there.
    """
    parent = os.path.dirname(target)
    while not os.path.isdir(parent):
        parent = os.path.dirname(parent)
    os.makedirs(_LAYER, 0o700)
    linux.mount(parent, _LAYER, "", linux.MS_BIND | linux.MS_REC)
    linux.mount("tmpfs", parent, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755")
    for name in os.listdir(_LAYER):
        old, new = f"{_LAYER}/{name}", f"{parent}/{name}"
        if os.path.islink(old):
            os.symlink(os.readlink(old), new)
        else:
            _ensure(new, directory=os.path.isdir(old))
            linux.mount(old, new, "", linux.MS_BIND | linux.MS_REC)
    linux.umount(_LAYER)
    os.rmdir(_LAYER)

"""Become a process that is not root and dies with its starter; then become the given program.

Run as a script: ``python -I -S confine.py STARTER_PID DEATH_SIGNAL CLUSTER_FOLDER PROGRAM [ARGUMENT ...]``. It
imports little, because it stands in the way of every start.

Postgres refuses to run as root. So root becomes the first of these that reaches both the program and the folder: root
itself under another name, in a user namespace (still the owner of all that is root's); the owner of the project;
``nobody``. What is not ours is never changed: only the cluster folder is handed over. A user whom the password file
does not know (containers have such users, and initdb refuses them) gets another name in the same way.
"""

# ruff: noqa: PTH116, PTH118, PTH120 - pathlib would lengthen every start by 8 ms

from __future__ import annotations

import ctypes
import os
import pwd
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
ROOT = 0
NOBODY = "nobody"

Identity = tuple[int, int]  # user and group id as the file system sees them; user 0 means: root inside a namespace


def main(starter_pid: str, death_signal: str, cluster: str, program: str, *arguments: str) -> None:
    """Confine this process, then replace it by *program*."""
    if os.geteuid() == ROOT:
        leave_root(cluster, program)
    elif not has_name(os.geteuid()):
        enter_namespace()
    die_with_starter(int(starter_pid), int(death_signal))
    os.execv(program, [program, *arguments])


def leave_root(cluster: str, program: str) -> None:
    """Become the first identity that reaches both paths, after it was made the owner of *cluster*."""
    for identity in list_identities(cluster):
        if reaches(identity, program, os.path.dirname(cluster)):
            hand_over(cluster, *identity)
            become(*identity)
            return
    sys.exit(
        f"confine: Postgres refuses to run as root, and no other identity here reaches both {program} and {cluster}: "
        "allow user namespaces, or run as a normal user"
    )


def list_identities(cluster: str) -> list[Identity]:
    """Return whom root may become, best first; the project's owner is the first above *cluster* who is not root."""
    nobody = pwd.getpwnam(NOBODY)
    return [(ROOT, ROOT), *find_owner(os.path.dirname(cluster)), (nobody.pw_uid, nobody.pw_gid)]


def find_owner(folder: str) -> list[Identity]:
    """Return the owner of *folder*, or of the nearest folder above that is not root's; nothing if all are root's."""
    owner = os.stat(folder)
    if owner.st_uid != ROOT:
        return [(owner.st_uid, owner.st_gid)]
    above = os.path.dirname(folder)
    return [] if above == folder else find_owner(above)


def reaches(identity: Identity, program: str, folder: str) -> bool:
    """Return whether a process with *identity* may run *program* and enter *folder*; tried in a child."""
    child = os.fork()
    if child == 0:
        try:
            become(*identity)
            os._exit(not (os.access(program, os.X_OK) and os.access(folder, os.X_OK)))
        except OSError:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def has_name(user: int) -> bool:
    """Return whether the password file knows *user*."""
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def hand_over(cluster: str, user: int, group: int) -> None:
    """Make *user* the owner of *cluster* and all in it, unless it is so already."""
    if os.stat(cluster).st_uid == user:
        return
    for folder, _, files in os.walk(cluster):
        os.chown(folder, user, group, follow_symlinks=False)
        for file in files:
            os.chown(os.path.join(folder, file), user, group, follow_symlinks=False)


def become(user: int, group: int) -> None:
    """Give up root for ever: for another user, or (user 0) inside a namespace where root has another name."""
    if user == ROOT:
        enter_namespace()
        return
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


def enter_namespace() -> None:
    """Enter a user namespace in which this process is ``nobody``; initdb wants an id that the password file knows."""
    user, group = os.geteuid(), os.getegid()  # inside, they are unknown until they are mapped
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed here")
    nobody = pwd.getpwnam(NOBODY)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/gid_map", f"{nobody.pw_gid} {group} 1")
    write("/proc/self/uid_map", f"{nobody.pw_uid} {user} 1")


def write(path: str, text: str) -> None:
    """Write *text* to the existing file *path* in one piece, as the maps of a namespace demand."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def die_with_starter(starter_pid: int, death_signal: int) -> None:
    """Ask the kernel for *death_signal* when the starter ends; Linux only.

    A change of user clears this wish, so it comes last; a starter that ended before it is noticed by its absence.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != starter_pid:
        sys.exit("confine: the starter has ended")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Run as a file: `python -I -S launch.py '{"parent": 1, ...}' command...`; becomes the command.

Code between fork and exec is unsafe in a process with threads, so what must happen there
happens here, in a fresh interpreter that imports nothing of csapi.
"""

import ctypes
import json
import os
import sys

PR_SET_PDEATHSIG = 1


def become(argv: list[str]) -> None:
    order = json.loads(argv[1])
    if order["uid"] is not None:
        os.setgroups([])
        os.setresgid(order["gid"], order["gid"], order["gid"])
        os.setresuid(order["uid"], order["uid"], order["uid"])
    # A change of user clears the death signal, so it comes second.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, order["death_signal"])
    if os.getppid() != order["parent"]:
        sys.exit("the parent ended before its child began")
    os.umask(0o077)
    try:
        os.execv(argv[2], argv[2:])  # noqa: S606
    except OSError as error:
        sys.exit(f"cannot run {argv[2]}: {error}")


if __name__ == "__main__":
    become(sys.argv)

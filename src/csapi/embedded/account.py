"""Which user the embedded servers run as when csapi itself runs as root."""

import os
import pwd
from pathlib import Path

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.process import Account

OWN_ACCOUNT = "csapi"
FREE_UIDS = range(65520, 65534)


def service_account(owned: Path) -> Account | None:
    """None when csapi is not root; else a user of our own, the same for the life of `owned`.

    Not `nobody` or `postgres`: other daemons run as them, and a daemon with our uid can read
    the database files. The uids are in no allocation range of systemd or Debian and below
    65536, so that they exist inside user namespaces too. They need no passwd entry.
    """
    if os.geteuid() != 0:
        return None
    if owned.exists() and owned.stat().st_uid != 0:
        return Account(owned.stat().st_uid, owned.stat().st_gid)
    try:
        entry = pwd.getpwnam(OWN_ACCOUNT)
    except KeyError:
        taken = {entry.pw_uid for entry in pwd.getpwall()}
        uid = next(uid for uid in FREE_UIDS if uid not in taken)
        return Account(uid, uid)
    return Account(entry.pw_uid, entry.pw_gid)


def named_account(account: Account | None) -> Account | None:
    """Who makes a cluster for `account`: initdb insists on a user with a passwd entry."""
    uid = account.uid if account else os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        named = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
        if account is None or not named:
            raise EmbeddedError(
                f"the embedded PostgreSQL cannot be set up: user id {uid} has no name here; add it "
                "to /etc/passwd, run as a user who has one, or set CSAPI_DATABASE_URL"
            ) from None
        best = max(named, key=lambda entry: (entry.pw_name == "nobody", entry.pw_uid))
        return Account(best.pw_uid, best.pw_gid)
    return account

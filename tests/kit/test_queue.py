"""What lies in Redis is data and never code."""

import pickle
import time
from pathlib import Path

from redis import Redis as Client
from tests.conftest import Product

WAIT_SECONDS = 30


class Bomb:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.mkdir, (self.folder,)


def test_a_pickled_job_is_not_opened(product: Product, tmp_path: Path) -> None:
    """The worker takes the job, throws it away and goes on."""
    proof, armed = tmp_path / "proof", pickle.dumps(Bomb(tmp_path / "opened"))
    pickle.loads(pickle.dumps(Bomb(proof)))  # noqa: S301  it does explode where it is opened
    assert proof.is_dir()
    with Client.from_url(product.redis_url) as redis:
        redis.set("arq:job:bomb", armed)
        redis.zadd("arq:queue", {"bomb": 1})
        deadline = time.monotonic() + WAIT_SECONDS
        while redis.exists("arq:job:bomb") or redis.zscore("arq:queue", "bomb") is not None:
            assert time.monotonic() < deadline, "nobody took the job"
            time.sleep(0.1)
    assert not (tmp_path / "opened").exists()
    assert product.processes["worker"].poll() is None

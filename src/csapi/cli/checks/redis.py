"""Redis, which carries hints: without it all works, later."""

from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from csapi.cli.checks.finding import Finding, ok, warning
from csapi.cli.checks.skew import Reading, here, skew_of

OLDEST_REDIS = (6, 2)
PATIENCE_SECONDS = 3.0


async def look_at_redis(url: str | None) -> AsyncIterator[Finding]:
    if url is None:
        yield warning(
            "redis",
            "CSAPI_REDIS_URL is not set: each process counts budgets by itself, and the worker "
            "works by its timer alone",
            "Set CSAPI_REDIS_URL.",
        )
        return
    client = None
    try:
        client = Redis.from_url(
            url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
        )
        async for each in _looks(client):
            yield each
    except AuthenticationError:
        mend = "Correct name and password in CSAPI_REDIS_URL."
        yield warning("redis", "Redis refuses the login", mend)
    except (RedisError, OSError, ValueError) as error:
        # The text of the error may quote the URL.
        text = f"Redis does not answer ({type(error).__name__}): nothing is lost, summaries wait"
        yield warning("redis", text, "Start it, or correct CSAPI_REDIS_URL.")
    finally:
        if client is not None:
            await client.aclose()


async def _looks(client: Redis) -> AsyncIterator[Finding]:
    before = here()
    seconds, microseconds = await client.time()
    reading = Reading(before, seconds + microseconds / 1e6, here())
    told = await client.info("server")
    version = str(told["redis_version"])
    if tuple(map(int, version.split(".")[:2])) < OLDEST_REDIS:
        yield warning("redis", f"Redis {version} is old", "Use Redis 6.2 or newer.")
    else:
        yield ok("redis", f"Redis {version} answers")
    yield skew_of("Redis", reading)

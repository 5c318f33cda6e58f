"""Public holidays, from the library that knows them."""

from datetime import date
from functools import cache, lru_cache

import holidays


@cache
def countries() -> frozenset[str]:
    return frozenset(holidays.list_supported_countries())


def known_country(country: str) -> bool:
    return country in countries()


@lru_cache(maxsize=1024)
def known_subdivision(country: str, subdivision: str) -> bool:
    try:
        holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        return False
    return True


@lru_cache(maxsize=256)
def public_holidays(
    country: str, subdivision: str | None, first_year: int, last_year: int
) -> frozenset[date]:
    """The public holidays of some years, with the days that stand in for those on a weekend."""
    years = range(first_year, last_year + 1)
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=years))

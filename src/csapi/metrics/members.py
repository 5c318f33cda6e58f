"""How the members of a dimension are found in a fact: in its column, among several there, or by
what its customer is now. Pure SQL text."""

from csapi.metrics.dimensions import Dimension

# Stands for no member where members are compared, as 0 does in summaries.
NO_MEMBERS = "'{0}'::int[]"


def of_customer(dimension: Dimension, tenant: str, customer: str) -> str:
    """A subquery of what a customer is now."""
    return (
        f"(SELECT {dimension.of_customer} FROM customers p "
        f"WHERE p.tenant_id = {tenant} AND p.surrogate = {customer} LIMIT 1)"
    )


def fact_key(dimension: Dimension) -> str:
    """What of a fact `f` its members come from."""
    is_list = dimension.is_multiple and dimension.of_customer is None
    return f"f.{dimension.column}{'' if is_list else '::bigint'}"


def fact_test(dimension: Dimension, tenant: str, members: str, *, is_in: bool) -> str:
    """Whether a fact `f` has one of the members, or none of them. Never null."""
    value = f"f.{dimension.column}"
    if dimension.of_customer is not None:
        value = of_customer(dimension, tenant, value)
    if dimension.is_multiple:
        has_one = f"coalesce({value}, {NO_MEMBERS}) && {members}::int[]"
        return f"({has_one})" if is_in else f"(NOT {has_one})"
    return f"coalesce({value}, 0) {'= ANY' if is_in else '<> ALL'} ({members})"


def looked_up(number: int, dimension: Dimension, tenant: str) -> str:
    """A join that makes to{number} of k{number}: a row for each member, one with null for none."""
    found, join = f"k{number}", ""
    if dimension.of_customer is not None:
        found = f"is{number}"
        join = (
            f"\nLEFT JOIN LATERAL (SELECT {of_customer(dimension, tenant, f'k{number}')}) "
            f"AS now{number} ({found}) ON true"
        )
    made = f"unnest({found})" if dimension.is_multiple else f"(SELECT {found})"
    return f"{join}\nLEFT JOIN LATERAL {made} AS many{number} (to{number}) ON true"

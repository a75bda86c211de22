"""The same question for each of many categories, in one statement: for a category that is told SQLite walks the index of places, for one of many it takes any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

CATEGORY = "?category"
"""Stands in the question where the category is to be."""
PER_STATEMENT = 400  # SQLite joins 500 selects at most


def walk(question: QuerySet[Any, Any], categories: Sequence[str], most: int | None = None) -> list[tuple[Any, ...]]:
    """The rows of a question that filters by CATEGORY, for each of these instead; up to `most` in all. As the database has them: a truth is 0 or 1."""
    try:
        sql, values = question.query.sql_with_params()
    except EmptyResultSet:  # of none there is no SQL
        return []
    found: list[tuple[Any, ...]] = []
    for first in range(0, len(categories), PER_STATEMENT):
        some = categories[first : first + PER_STATEMENT]
        told = [each if value == CATEGORY else value for each in some for value in values]
        limit = f" LIMIT {most - len(found)}" if most is not None else ""
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([f"SELECT * FROM ({sql}) AS part"] * len(some)) + limit, told)
            found += cursor.fetchall()
    return found

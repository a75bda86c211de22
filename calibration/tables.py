"""Tables as spreadsheets save them: commas (，too), semicolons or tabs, with or without a BOM, in UTF-8, UTF-16 or GBK."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

SEPARATORS = ",;\t"
FULL_WIDTH = re.compile("[，；]")


class MalformedTable(Exception):
    """A table that cannot be read; the text names file, line and what is wrong."""


@dataclass(frozen=True)
class Row:
    """One line under the first: its cells by the first line's names. `has_decimal_commas`: 4,5 may be four and a half."""

    named: str
    line: int
    cells: dict[str, str]
    has_decimal_commas: bool

    def number(self, column: str) -> float:
        """A cell as a finite number. Raises MalformedTable."""
        word = self.cells[column]
        try:
            value = float(word.replace(",", ".") if self.has_decimal_commas else word)
        except ValueError:
            value = float("nan")
        if not isfinite(value):
            raise MalformedTable(f"{self.named}, line {self.line}, {column}: '{word}' is not a number")
        return value


def text_of(data: bytes, named: object) -> str:
    """The text of a table's bytes: by its BOM, else UTF-8, else GBK, as Excel saves CSV in China. Raises MalformedTable."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise MalformedTable(f"{named} is a workbook of Excel: save it as CSV")
    for encoding in ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    raise MalformedTable(f"{named} is no table: its text is neither UTF-8 nor GBK; save it as CSV in UTF-8")


def rows_of(text: str, named: object, needed: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a table, its separator told by its first line; empty ones are passed over. Raises MalformedTable."""
    first = text.lstrip().partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    try:
        for raw in reader:
            cells = _cells(raw, len(names))
            if not any(cells):
                continue
            if not names:
                names = cells
                _check(names, named, needed)
                continue
            if len(cells) > len(names) and any(cells[len(names) :]):
                raise MalformedTable(f"{named}, line {reader.line_num}: {len(cells)} cells, but the first line names {len(names)} columns")  # fmt: skip
            cells += [""] * (len(names) - len(cells))
            yield Row(str(named), reader.line_num, dict(zip(names, cells, strict=False)), separator == ";")
    except csv.Error as wrong:
        raise MalformedTable(f"{named}, line {reader.line_num}: this is no line of a table: {wrong}") from None
    _check(names, named, needed)


def _cells(raw: Sequence[str], wanted: int) -> list[str]:
    """Cells without spaces around them; of a line that is too short, or the first, full-width commas separate too."""
    if not wanted or len(raw) < wanted:
        raw = [part for cell in raw for part in FULL_WIDTH.split(cell)]
    return [cell.strip() for cell in raw]


def _check(names: Sequence[str], named: object, needed: Sequence[str]) -> None:
    if lacking := [name for name in needed if name not in names]:
        raise MalformedTable(
            f"{named}: its first line must name the columns {','.join(needed)}; {', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing"
        )

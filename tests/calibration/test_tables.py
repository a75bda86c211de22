"""Tables are read as spreadsheets save them, in China and elsewhere, and what cannot be read is named by file and line."""

from __future__ import annotations

import pytest

from calibration.tables import MalformedTable, Row, rows_of, text_of

NAMES = ("name", "x", "y")
PLAIN = "name,x,y\n坑洼,480,4.5\n\n井盖,-3,0\n"
WANTED = [("坑洼", 480.0, 4.5), ("井盖", -3.0, 0.0)]


def read(data: bytes) -> list[tuple[str, float, float]]:
    rows: list[Row] = list(rows_of(text_of(data, "t.csv"), "t.csv", NAMES))
    return [(row.cells["name"], row.number("x"), row.number("y")) for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "，", " , "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_whatever_separates_and_however_it_is_encoded_the_rows_are_the_same(encoding: str, separator: str, end: str) -> None:  # fmt: skip
    text = PLAIN.replace(",", separator).replace("\n", end)
    assert read(text.encode(encoding)) == WANTED


def test_single_lines_with_full_width_commas_are_read_and_cells_that_have_one_stay() -> None:
    assert read("name,x,y\n坑洼，480，4.5\n井盖，二,-3,0\n".encode()) == [WANTED[0], ("井盖，二", -3.0, 0.0)]


def test_lines_of_empty_cells_and_empty_cells_at_the_end_are_passed_over() -> None:
    assert read("name,x,y,,\n坑洼,480,4.5,,\n,,,,\n井盖,-3,0\n".encode()) == WANTED


def test_where_semicolons_separate_a_number_may_have_a_decimal_comma() -> None:
    assert read("name;x;y\n坑洼;480;4,5\n".encode()) == WANTED[:1]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"name,x\na,1\n", "t.csv: its first line must name the columns name,x,y; y is missing"),
        (b"", "t.csv: its first line must name the columns name,x,y; name, x, y are missing"),
        (b"name,x,y\n\na,1,b\n", "t.csv, line 3, y: 'b' is not a number"),
        (b"name,x,y\na,1\n", "t.csv, line 2, y: '' is not a number"),
        (b"name,x,y\na,1,inf\n", "t.csv, line 2, y: 'inf'"),
        (b"name,x,y\na,1,4,5\n", "t.csv, line 2: 4 cells, but the first line names 3 columns"),
        (b'name,x,y\na,"1"2,3\n', "t.csv, line 2: this is no line of a table"),
        (b"PK\x03\x04....", "t.csv is a workbook of Excel: save it as CSV"),
        (b"name,x,y\n\xff\xff,1,2\n", "t.csv is no table"),
    ],
)
def test_what_cannot_be_read_is_named_with_file_and_line(data: bytes, says: str) -> None:
    with pytest.raises(MalformedTable) as told:
        read(data)
    assert str(told.value).startswith(says)

"""A file is read line by line, and what is broken in it stays where it is."""

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.customers.schemas import csv_rows
from kelviq_server.platform.line_files import MAX_LINE_BYTES, Line, read_csv, read_lines


def lines(data: bytes) -> list[Line]:
    return list(read_lines(BytesIO(data)))


def records(data: bytes) -> list[Line]:
    return list(read_csv(BytesIO(data)))


def test_lines_have_numbers_and_the_mark_at_the_beginning_is_no_text() -> None:
    found = lines(b"\xef\xbb\xbfone\n\ntwo\r\nthree")
    assert [(line.number, line.text) for line in found] == [(1, "one"), (2, ""), (3, "two"), (4, "three")]
    assert [line.is_blank for line in found] == [False, True, False, False]
    assert lines(b"") == []


def test_of_a_line_that_is_too_long_the_beginning_is_kept() -> None:
    too_long = b"x" * (3 * MAX_LINE_BYTES)
    first, second, third = lines(b"a\n" + too_long + b"\nb\n")
    assert (first.fault, third.fault) == (None, None)
    assert (third.number, third.text) == (3, "b")
    assert second.fault == f"Ensure this line has no more than {MAX_LINE_BYTES} bytes."
    assert len(second.data) == 1000
    assert second.size_bytes == len(too_long) + 1


def test_a_line_of_just_the_limit_is_taken() -> None:
    exact = b"x" * (MAX_LINE_BYTES - 1) + b"\n"
    assert [line.fault for line in lines(exact + exact)] == [None, None]


def test_a_csv_record_may_take_several_lines_and_is_known_by_its_first() -> None:
    first, second, third = records(b'a,b\r\n"one\r\ntwo\n","say ""hi"""\r\nc,d\r\n')
    assert (first.number, second.number, third.number) == (1, 2, 5)
    assert second.cells == ("one\r\ntwo\n", 'say "hi"')
    assert third.cells == ("c", "d")


def test_a_quotation_mark_without_its_partner_spoils_its_own_line_only() -> None:
    found = records(b'a,b\n1,"open\n2,fine\n3,"fine too"\n')
    assert [(line.number, line.fault is None) for line in found] == [(1, True), (2, False), (3, True), (4, True)]
    assert found[1].text == '1,"open'
    assert found[3].cells == ("3", "fine too")


def test_a_quoted_text_that_never_ends_is_given_up() -> None:
    data = b'1,"open\n' + b"2,fine\n" * 200_000
    found = records(data)
    assert found[0].fault
    assert len(found) == 200_001
    assert all(line.cells == ("2", "fine") for line in found[1:])


def test_bytes_that_are_no_text_spoil_the_record_they_stand_in() -> None:
    found = records(b'a,b\n1,"x\n\xff"\n2,y\n')
    assert [(line.number, line.fault) for line in found] == [
        (1, None),
        (2, "CSV parse error - not UTF-8 (byte 5)"),
        (4, None),
    ]


def test_a_line_too_long_within_a_record_spoils_both() -> None:
    found = records(b'1,"open\n' + b"x" * (MAX_LINE_BYTES + 1) + b"\n2,fine\n")
    assert [(line.number, line.fault is None) for line in found] == [(1, False), (2, False), (3, True)]


def test_a_record_of_many_lines_has_the_limit_of_a_line() -> None:
    cell = b'"' + (b"x" * 99 + b"\n") * 1000 + b'"'
    (whole,) = records(b",".join([cell] * 10) + b"\n")
    assert [len(text) for text in whole.cells] == [100_000] * 10
    first, *rest = records(b",".join([cell] * 11) + b"\n2,fine\n")
    assert first.fault == "CSV parse error - the record is too long"
    assert rest[-1].cells == ("2", "fine")


def test_rows_of_empty_cells_are_blank() -> None:
    assert [line.is_blank for line in records(b"a,b\n,,,\n \n\n")] == [False, True, True, True]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4), max_size=5))
def test_what_was_written_is_read(rows: list[list[str]]) -> None:
    data = csv_rows([["first", "row"], *rows])
    found = records(data)
    assert sum(line.size_bytes for line in found) == len(data)
    assert [list(line.cells) for line in found[1:] if line.cells] == rows

"""Arrays from files, texts and standard input: what comes out, and what is said of what cannot be read."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from convcli.arrays import check_streams, file_of, names_array, read_array
from convcli.errors import ConvcliError, InputError, UsageError

MATRIX = np.array([[1.0, -2.0, 3.0], [4.0, 5.5, 6.0]])
VOLUME = np.arange(24.0).reshape(2, 3, 4)
FOUR = np.arange(16.0).reshape(2, 2, 2, 2) / 4


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def values(text, **options):
    return read_array(text, "--input", **options).values


@pytest.mark.parametrize(
    "dtype", ["?", "u1", "i1", "<u2", ">i2", "<i4", ">u4", "<i8", "<u8", "<f2", ">f4", "<f8", "longdouble"]
)
@pytest.mark.parametrize("array", [np.array(1), VOLUME[0, 0] > 1, VOLUME[0], VOLUME, FOUR * 4], ids=np.ndim)
def test_an_npy_file_of_any_real_dtype_and_up_to_four_axes_is_read(array, dtype):
    np.save("x.npy", array.astype(dtype))
    found = values("x.npy")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, array.astype(dtype).astype(np.float64))


def test_an_array_in_fortrans_order_keeps_its_places():
    np.save("x.npy", np.asfortranarray(VOLUME))
    np.testing.assert_array_equal(values("x.npy"), VOLUME)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_gives_its_only_array_or_the_one_that_is_named(save):
    save("one.npz", VOLUME)
    save("two.npz", w=MATRIX, b=FOUR)
    np.testing.assert_array_equal(values("one.npz"), VOLUME)
    np.testing.assert_array_equal(values("two.npz#b"), FOUR)
    np.testing.assert_array_equal(values("two.npz#b[1,0]"), FOUR[1, 0])
    with pytest.raises(
        InputError, match=r"two\.npz: holds 2 arrays \('w', 'b'\); name one, such as two\.npz#w"
    ):
        values("two.npz")
    with pytest.raises(InputError, match=r"has no array 'W'; it holds 'w', 'b'"):
        values("two.npz#W")


@pytest.mark.parametrize("text", ["x.npy[1]", "x.npy[ -1 ]", "@x.npy[1]"])
def test_an_index_takes_a_part_as_numpy_does(text):
    np.save("x.npy", VOLUME)
    np.testing.assert_array_equal(values(text), VOLUME[1])


def test_an_index_outside_says_what_there_is():
    np.save("x.npy", VOLUME)
    with pytest.raises(UsageError, match=r"x\.npy\[2\]: axis 0 has 2, from 0 to 1; found 2"):
        values("x.npy[2]")
    with pytest.raises(UsageError, match="4 numbers for 3 axes: 2 × 3 × 4"):
        values("x.npy[0,0,0,0]")


def test_a_file_whose_name_ends_like_an_index_is_that_file():
    Path("x.npy[1]").touch()
    np.save("x.npy", VOLUME)
    with pytest.raises(UsageError, match="expected a matrix"):  # whose ending says nothing
        values("x.npy[1]")


@pytest.mark.parametrize("array", [VOLUME[0, 0], MATRIX, VOLUME, FOUR], ids=np.ndim)
@pytest.mark.parametrize(
    "written",
    [str, repr, lambda a: str(a.tolist()), lambda a: json.dumps(a.tolist()), lambda a: f"np.{a!r}"],
    ids=["str", "repr", "list", "json", "np.array"],
)
def test_what_numpy_and_python_print_is_read_with_its_axes(array, written):
    found = values(written(array))
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2; 3 4", [[1, 2], [3, 4]]),
        ("1 2 3", [[1, 2, 3]]),
        ("[1 2; 3 4]", [[1, 2], [3, 4]]),
        ("[1; 2]", [[1], [2]]),
        ("[[1, 2]]", [[1, 2]]),
        ("(1, 2)", [1, 2]),
        ("((1, 2), (3, 4))", [[1, 2], [3, 4]]),
        ("[[[1/2, -½], [.5, 2e0]]] / 2", [[[0.25, -0.25], [0.25, 1]]]),
        ("array([[[1.]], [[2.]]], dtype=float32)", [[[1]], [[2]]]),
        ("torch.tensor([[[1.]]], device='cuda:0', dtype=torch.float64)", [[[1]]]),
        ("[[True, False], [False, True]]", [[1, 0], [0, 1]]),
        ("[np.float64(1.5), np.int32(-2)]", [1.5, -2]),
        ("[[[1, 2,], [3, 4,],],]", [[[1, 2], [3, 4]]]),
        ("1 2; 3 4 | 5 6; 7 8", [[[1, 5], [2, 6]], [[3, 7], [4, 8]]]),
        ("[[1, 2]] | [[3, 4]]", [[[1, 3], [2, 4]]]),
    ],
)
def test_a_text_is_an_array(text, expected):
    np.testing.assert_array_equal(values(text), expected, strict=False)
    assert values(text).shape == np.shape(expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[[1, 2], [3]]]",
            r"--input: [0]: its parts have the same size; expected 2 at [1] as at [0], found 1",
        ),
        ("[[[1]], [[2, 3]]]", "its parts have the same size; expected 1 × 1 at [1] as at [0], found 1 × 2"),
        ("[[[1, x]]]", "--input: [0, 0, 1]: expected a finite number, found 'x'"),
        ("[[[1, nan]]]", "[0, 0, 1]: expected a finite number, found 'nan'"),
        ("[[1, inf]]", "row 1, column 2: expected a finite number, found 'inf'"),
        ("[[1, 2j]]", "expected a finite number, found '2j'"),
        ("[[[1, 2], [3, 4]]", "a bracket ] is missing"),
        ("[[[1]]]]", "bracket"),
        ("[[[[[1]]]]]", "at most 4 levels of brackets, found 5"),
        ("[[[1], 2]]", "'2' stands outside the innermost brackets"),
        ("[[[1 2] 3]]", "'3' stands outside the innermost brackets"),
        ("[[[]]]", "expected numbers, found none"),
        ("[[[1], []]]", "[0, 1]: expected numbers, found empty brackets"),
        ("[]", "--input: expected numbers, found none"),
        ("[[[1; 2]]]", "rows stand in brackets of their own"),
        ("[[[1, ...]]]", "cells that were left out when this was printed"),
        ("np.ones((3, 3))", "np.ones(…) would have to be run"),
        ("array([[1, 2]], dtype=complex64)", "expected real numbers, found complex64"),
        ("array([[1]], dtype=object)", "expected real numbers, found object"),
        ("3x3+1+1: 1,2,3,4,5,6,7,8,9", "an origin such as"),
        ("1 2 | 3", "the channels have different sizes"),
        ("sobel", "expected a matrix such as '1 2; 3 4'"),
        ("", "expected a matrix such as '1 2; 3 4'"),
        ("x.npy", "--input: x.npy: no such file"),
        ("x.csv", "x.csv: no such file"),
    ],
)
def test_what_is_no_array_is_refused_with_what_was_found(text, said):
    with pytest.raises(ConvcliError, match=re.escape(said)):
        values(text)


@pytest.mark.parametrize("name", ["x.txt", "x.csv", "x.json"])
def test_a_text_file_may_hold_a_literal(name, tmp_path):
    (tmp_path / name).write_text(json.dumps(VOLUME.tolist()))
    np.testing.assert_array_equal(values(name), VOLUME)


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.csv", "1;-2;3\n4;5,5;6\n"), ("x.tsv", "1\t-2\t3\n4\t5.5\t6\n"), ("x.txt", "1 -2 3\n4 5.5 6")],
)
def test_a_table_is_a_matrix(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    np.testing.assert_array_equal(values(name), MATRIX)


def test_standard_input_is_text_or_an_npy_file():
    held = io.BytesIO()
    np.save(held, FOUR)
    np.testing.assert_array_equal(values("-", stdin=io.BytesIO(held.getvalue())), FOUR)
    np.testing.assert_array_equal(values("-[1]", stdin=io.BytesIO(held.getvalue())), FOUR[1])
    np.testing.assert_array_equal(values("-", stdin=io.BytesIO(b"1 -2 3\n4 5.5 6\n")), MATRIX)
    np.testing.assert_array_equal(values("-", stdin=io.BytesIO(repr(VOLUME).encode())), VOLUME)
    with pytest.raises(InputError, match=r"expected numbers or an \.npy file, found nothing"):
        values("-", stdin=io.BytesIO(b"\n"))


def test_only_one_option_reads_standard_input():
    check_streams({"--input": "-", "--kernel": "1 2", "--bias": None})
    with pytest.raises(UsageError, match="--input and --gradient would both read standard input"):
        check_streams({"--input": "-", "--kernel": "w.npy", "--gradient": "-[0]"})


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([[1, 2j]]), "found complex128"),
        (np.array([["a"]]), "found <U1"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]), "no real numbers"),
        (np.array(["2020-01-01"], "M8[D]"), "found datetime64"),
        (
            np.array([[1, np.nan, np.inf]]),
            r"expected finite numbers, found nan at \[0, 1\] and 1 more like it",
        ),
        (np.zeros((1, 1, 1, 1, 1)), "expected at most 4 axes, found 5: 1 × 1 × 1 × 1 × 1"),
        (np.zeros((0, 3)), r"holds no numbers: its shape is \(0, 3\)"),
    ],
)
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_arrays_that_are_no_numbers_are_refused_by_name(array, said, ending):
    (np.save if ending == "npy" else np.savez)(f"x.{ending}", array)
    with pytest.raises(ConvcliError, match=said):
        values(f"x.{ending}")


def test_nan_is_kept_for_those_who_ask_for_it():
    np.save("x.npy", [1, np.nan])
    np.testing.assert_array_equal(values("x.npy", finite=False), [1, np.nan])


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([[2**60 + 1]]), r"numbers beyond 2\^53 are rounded to float64"),
        (np.array([[True]]), "True and False are read as 1 and 0"),
    ],
)
def test_what_is_changed_in_reading_is_said(array, said):
    np.save("x.npy", array)
    (note,) = read_array("x.npy", "--input").notes
    assert re.search(said, note)


def test_too_many_numbers_are_refused_before_they_are_converted():
    np.save("x.npy", np.zeros((50, 50), np.uint8))
    with pytest.raises(UsageError, match="holds 2,500 numbers; at most 100 are taken"):
        values("x.npy", most=100)
    assert values("x.npy[0]", most=100).shape == (50,)


def test_names_of_files_and_arrays_are_told_apart():
    assert [names_array(text) for text in ("a.NPY", "@k.csv", "a.npz#x", "a.png", "sobel-x", "1 2", "-")] == [
        *(True, True, True, False, False, True, True)
    ]
    assert file_of("1 2; 3 4") is None
    assert file_of("-") is None
    assert str(file_of("@a.npz#x[0]")) == "a.npz"

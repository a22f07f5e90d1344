"""What a kernel's text means, cell by cell: every form is read as it is meant, or refused by its name."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from convcli.errors import KernelError
from convcli.explaining.reading import typed_volume
from convcli.kernels import kernel_names, named, parse
from convcli.kernels.grammar import matrix
from convcli.render.kernels import call, kernel_document, table

SQUARE = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
COLUMN = [[0.25], [0.5], [0.25]]

TYPED = {
    "1 2 3\n4 5 6\n7 8 9": SQUARE,
    "1 2 3\r\n4 5 6\r\n7 8 9\r\n": SQUARE,
    "1 2 3\r4 5 6\r7 8 9": SQUARE,
    "1 2 3;4 5 6;7 8 9;": SQUARE,
    "K = [1 2 3; 4 5 6; 7 8 9];": SQUARE,
    "k = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]": SQUARE,
    "ans =\n\n   1.0e-01 *\n\n   10 20 30\n   40 50 60\n   70 80 90\n": SQUARE,
    r"\begin{bmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \\ 7&8&9 \\ \end{bmatrix}": SQUARE,
    "1 2 3;\n4 5 6;\n7 8 9;\n": SQUARE,
    "1,2,3\n4,5,6\n7,8,9": SQUARE,
    "1,2,3,\n4,5,6,\n7,8,9,": SQUARE,
    "\n\n1 2 3\n\n4 5 6\n\n\n7 8 9\n\n": SQUARE,
    "# a kernel\n1 2 3 # first\n4 5 6\n7 8 9": SQUARE,
    "1 2 3; 4 5 6\n7 8 9": SQUARE,
    r"1 2 3\n4 5 6\n7 8 9": SQUARE,
    "1\t2\t3\n4\t5\t6\n7\t8\t9": SQUARE,
    "1;2;3\n4;5;6\n7;8;9": SQUARE,
    "1;2;3;\n4;5;6;\n7;8;9;": SQUARE,
    "1\u00a02\u20093\n4\u202f5\u30006\n7 8 9": SQUARE,
    "\ufeff1 2 3\n4 5 6\n7 8 9": SQUARE,
    "１ ２ ３；４ ５ ６；７ ８ ９": SQUARE,
    "[[1, 2, 3], [4, 5, 6], [7, 8, 9]]": SQUARE,
    "[[1,2,3],[4,5,6],[7,8,9]]": SQUARE,
    "[[1, 2, 3],\n [4, 5, 6],\n [7, 8, 9],\n]": SQUARE,
    "((1,2,3),(4,5,6),(7,8,9))": SQUARE,
    "{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}": SQUARE,
    "[[1. 2. 3.]\n [4. 5. 6.]\n [7. 8. 9.]]": SQUARE,
    "[1, 2, 3], [4, 5, 6], [7, 8, 9]": SQUARE,
    "array([[1, 2, 3],\n       [4, 5, 6],\n       [7, 8, 9]])": SQUARE,
    "np.array([[1., 2., 3.], [4., 5., 6.], [7., 8., 9.]], dtype=np.float32)": SQUARE,
    "torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=torch.float32, device='cpu')": SQUARE,
    "[1 2 3; 4 5 6; 7 8 9]": SQUARE,
    "[1, 2, 3; 4, 5, 6; 7, 8, 9]": SQUARE,
    "[1 2 3\n4 5 6\n7 8 9]": SQUARE,
    "3x3: 1,2,3 4,5,6 7,8,9": SQUARE,
    "3x3:1 2 3; 4 5 6; 7 8 9": SQUARE,
    "3: 1,2,3,\n   4,5,6,\n   7,8,9": SQUARE,
    "3x3+1+1: 1,2,3,4,5,6,7,8,9": SQUARE,
    "[2 4; 6 8]/2": [[1, 2], [3, 4]],
    "1/2 * [[2, 4], [6, 8]]": [[1, 2], [3, 4]],
    "[[1, 2], [3, 4]] * 3": [[3, 6], [9, 12]],
    "1,2,3": [[1, 2, 3]],
    "1, 2, 3": [[1, 2, 3]],
    "1 2": [[1, 2]],
    "1;2;3": [[1], [2], [3]],
    "1, -1": [[1, -1]],
    "1,-1;2,-2": [[1, -1], [2, -2]],
    "1,0;0,-1": [[1, 0], [0, -1]],
    "1.5,2.5": [[1.5, 2.5]],
    "1.5,2.5;3.5,4": [[1.5, 2.5], [3.5, 4]],
    "[0,5; 5,0]": [[0, 5], [5, 0]],
    "[[0,5],[5,0]]": [[0, 5], [5, 0]],
    "[1 2 3]": [[1, 2, 3]],
    "(1, 2)": [[1, 2]],
    "0,25;0,5;0,25": COLUMN,
    "\u22121 \u20131 \ufe631; 1e\u22123 \u22121/9 0": [[-1, -1, -1], [1e-3, -1 / 9, 0]],
    "1/9 1 / 3 1\u20442 ½ \u2212¼": [[1 / 9, 1 / 3, 0.5, 0.5, -0.25]],
    "0,5\t0,25\n1\t-0,5": [[0.5, 0.25], [1, -0.5]],
    "0,25;0,5\n1;2,5": [[0.25, 0.5], [1, 2.5]],
    "-1": [[-1]],
    "+1 -.5 5.": [[1, -0.5, 5]],
}


@pytest.mark.parametrize("text", TYPED, ids=repr)
def test_typed_matrix_is_read_as_it_is_meant(text):
    np.testing.assert_array_equal(parse(text).parts[0], np.array(TYPED[text], float))


@pytest.mark.parametrize(
    "text", [text for text in TYPED if "+1+1" not in text and "\\n" not in text], ids=repr
)
def test_what_is_typed_for_explain_is_read_alike(text):
    np.testing.assert_array_equal(typed_volume(text, "--input")[:, :, 0], np.array(TYPED[text], float))


REFUSED = {
    "0,5 0,5": ["decimal comma", "write 0.5", "0 5"],
    "0,25\n0,5\n0,25": ["decimal comma", "0.25"],
    "0,5": ["decimal comma"],
    "1,5;2,5": ["'1,5'", "1.5", "1 5"],
    "1,5\n2,5": ["'1,5'", "1.5", "1 5"],
    "1,000": ["'1,000'", "1.000", "1 0"],
    "1 000 2 000": ["'1 000'", "write 1000"],
    "1\u202f234 1": ["'1 234'", "write 1234"],
    "1,234.5;2,000.5": ["'2,000.5'", "write 2000.5"],
    "1/16 {{1, 2}, {3, 4}}": ["'1/16'", "outside"],
    "1,000;2,000": ["'1,000'"],
    "1,000,000": ["1,000"],
    "1.234,5;6.789,1": ["1234.5"],
    "0,25, 0,5, 0,25": ["decimal comma"],
    "0,25,0,5,0,25,0,5": ["decimal comma"],
    "0,1 1": ["decimal comma"],
    "1,2;3": ["row 2", "expected 2 cells as in row 1, found 1", "write points"],
    "1,2,3 4,5,6": ["both commas and blanks"],
    "1.5;2,5\n3;4": ["both decimal points and decimal commas"],
    "1 2;;3 4": ["row 2 is empty"],
    "1,,2": ["row 1, column 2", "nothing"],
    ",1": ["row 1, column 1", "nothing"],
    "[[1, 2], [3]]": ["row 2", "found 1"],
    "[[1, 2], 3]": ["'3'", "outside"],
    "[[[1, 2], [3, 4]]]": ["more levels"],
    "[[1, 2], [3, 4]": ["bracket ] is missing"],
    "[1, 2]]": ["bracket [ is missing"],
    "[[1; 2], [3; 4]]": ["not both"],
    "[]": ["row 1 is empty"],
    "[1, 2,\n 3, 4]": ["one row, or a row a line"],
    "[[0. 0. ... 0. 0.]]": ["'...'", "left out"],
    "1 … 2": ["'…'", "left out"],
    "[1 2]/0": ["division by zero"],
    "[1 2]/x": ["beside the brackets"],
    "np.array([[1, 2]]": ["expected one )"],
    "3x3: 1,2,3": ["3x3:", "9 cells, found 3"],
    "2x3: 1 2 3; 4 5 6": ["2x3:", "3 rows of 2"],
    "3x3: 0,nan,0 1,1,1 0,nan,0": ["'nan'", "not part of the kernel", "write 0"],
    "3x3: 0,-,0 1,1,1 0,-,0": ["'-'", "not part of the kernel", "write 0"],
    "3x3+3+0: 1,2,3,4,5,6,7,8,9": ["origin", "outside"],
    "3x3>: 1,2,3,4,5,6,7,8,9": [">", "not known"],
    "3x1: 1,2,3; 3x1: 4,5,6": ["several kernels"],
    "9999x9999: 1": ["4096"],
    "1 - 1": ["row 1, column 2", "'-'", "without a blank"],
    "1_000 1": ["'1_000'"],
    "1 2²": ["'2²'"],
    "1½ 2": ["'1½'"],
    "0x10 1": ["'0x10'"],
    "1+2i 3": ["'1+2i'"],
    "infinity 1": ["infinity"],
    "sobel 3": ["colon"],
    "gaussian sigma=2": ["gaussian:sigma=…"],
    "gaussian:sigma=1,5": ["'5'", "Decimals have a point"],
    "9" * 5000: ["row 1, column 1"],
    "1 " + "9" * 5000 + "/" + "7" * 5000: ["row 1, column 2"],
    "gaussian:sigma=" + "9" * 5000: ["sigma", "from 0.1 to 500"],
    "box:size=" + "9" * 5000: ["size", "4096"],
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text[:40]))
def test_what_may_mean_two_things_or_none_is_refused_with_what_was_found(text):
    with pytest.raises(KernelError) as caught:
        parse(text)
    message = str(caught.value)
    assert all(words in message for words in REFUSED[text]), message
    assert "\n" not in message
    assert len(message) < 300


def test_the_advice_of_an_ambiguous_text_works():
    for text in ("0,5 0,5", "1,5;2,5", "1,000", "-1,1", "1.234,5;6.789,1"):
        with pytest.raises(KernelError) as caught:
            parse(text)
        point, blank = re.search(
            r"write (\S+) with a point, or (\S+ \S+) with a blank", str(caught.value)
        ).groups()
        assert parse(point).shape == (1, 1)
        assert parse(blank).shape == (1, 2)


FILES = {
    "comma.csv": (b"1,2\n3,4\n", [[1, 2], [3, 4]]),
    "german.csv": (b"0,25;0,5;0,25\r\n1;-2,5;1\r\n", [[0.25, 0.5, 0.25], [1, -2.5, 1]]),
    "row.csv": (b"0,25;0,5;0,25\r\n", [[0.25, 0.5, 0.25]]),
    "whole.csv": (b"1;0;-1", [[1, 0, -1]]),
    "empty-columns.csv": (b"1;2;;\r\n3;4;;\r\n;;;\r\n", [[1, 2], [3, 4]]),
    "bom.csv": (b"\xef\xbb\xbf1;2\r\n3;4\r\n", [[1, 2], [3, 4]]),
    "sep.csv": (b"sep=;\r\n1,5;2\r\n", [[1.5, 2]]),
    "quoted.csv": (b'"0,25","0,5"\n"1","-2"\n', [[0.25, 0.5], [1, -2]]),
    "quoted-semicolons.csv": (b'"0,25";"0,5"\n', [[0.25, 0.5]]),
    "excel.txt": ("0,5\t1\r\n-1\t2,25\r\n".encode("utf-16"), [[0.5, 1], [-1, 2.25]]),
    "points.tsv": (b"1.5\t2\n3\t4\n", [[1.5, 2], [3, 4]]),
    "commas.tsv": (b"1,5\t2\n3\t4\n", [[1.5, 2], [3, 4]]),
    "old-mac.csv": (b"1,2,3\r4,5,6\r", [[1, 2, 3], [4, 5, 6]]),
    "matlab.txt": (b"[1 2; 3 4]\n", [[1, 2], [3, 4]]),
    "typed.txt": (b"1 2; 3 4\n", [[1, 2], [3, 4]]),
    "savetxt.txt": (b"# made by NumPy\n1.000e+00 2.000e+00\n", [[1, 2]]),
    "gimp.txt": ("3x1: 1 \u22122 1".encode(), [[1, -2, 1]]),
    "numpy.txt": (b"[[1. 2.]\n [3. 4.]]\n", [[1, 2], [3, 4]]),
    "big-endian.tsv": ("\ufeff1\t2\n".encode("utf-16-be"), [[1, 2]]),
}


@pytest.mark.parametrize("name", FILES)
def test_file_of_another_tool_is_read(tmp_path, name):
    data, expected = FILES[name]
    (tmp_path / name).write_bytes(data)
    np.testing.assert_array_equal(parse(f"@{tmp_path / name}").parts[0], expected)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("k.csv", b"0,25\n0,5\n0,25\n", "decimal comma"),
        ("k.txt", b"0,25\n0,5\n0,25\n", "decimal comma"),
        ("k.csv", b"1,125\n2,250\n", "decimal comma"),
        ("k.csv", b"0,25\n1\n0,25\n", "write points"),
        ("k.csv", b"1;;2\n", "nothing"),
        ("k.tsv", b"1\t\t3\n4\t\t6\n", "column 2.*nothing"),
        ("k.csv", b"a;b\n1;2\n", "row 1, column 1.*'a'"),
        ("k.csv", "1;2".encode("utf-16-le"), "other data"),
    ],
)
def test_file_that_would_be_misread_is_refused(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(KernelError, match=words):
        parse(f"@{tmp_path / name}")


def test_imagemagicks_origin_is_the_anchor_and_explain_refuses_it():
    assert parse("3x2+2+1: 1 2 3 4 5 6").anchor == (1, 2)
    assert parse("2x2: 1 2 3 4").anchor is None
    with pytest.raises(ValueError, match="origin"):
        typed_volume("3x1+0+0: 1 2 3", "--input")


@pytest.mark.parametrize("name", kernel_names())
def test_json_of_every_kernel_is_read_back_as_that_kernel(tmp_path, name):
    kernel = named(name)
    (tmp_path / "k.json").write_text(json.dumps(kernel_document(kernel)))
    again = parse(f"@{tmp_path}/k.json")
    assert again.combine == kernel.combine
    np.testing.assert_array_equal(again.weights, kernel.weights)


@pytest.mark.parametrize("name", kernel_names())
def test_the_printed_weights_of_every_kernel_are_read_back_to_the_last_digit(name):
    for part in named(name).parts:
        if max(part.shape) <= 13:
            lines = table(part, digits=9)
            np.testing.assert_allclose(matrix("\n".join(lines), "kernel").weights, part, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gaussian", {"sigma": 1.23456789}),
        ("gaussian", {"sigma": 0.1 + 0.2, "size": 5}),
        ("box", {"size": 7}),
        ("gabor", {"theta": -33.333333, "wavelength": 5}),
        ("dog", {"sigma1": 1 / 3, "sigma2": 2}),
    ],
)
def test_the_name_that_is_printed_names_that_kernel(name, parameters):
    kernel = named(name, **parameters)
    np.testing.assert_array_equal(parse(call(kernel.name, kernel.parameters)).weights, kernel.weights)

"""Lists of pictures under the column names that people give, and tables of pixels."""

import numpy as np
import pytest
from PIL import Image

from convcli.data import Wanted, open_source
from convcli.errors import InputError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 5), np.uint8)
IMAGES[:, 0, 0] = IMAGES[:, -1, -1] = 0  # as the corners of digits
LABELS = [3, 7, 3, 7, 3, 7]


@pytest.fixture
def listed(tmp_path):
    """Write a list of two pictures; in it, FOLDER is where they lie."""

    def write(text, wanted=None):
        (tmp_path / "in").mkdir(exist_ok=True)
        for number in range(2):
            Image.fromarray(IMAGES[number]).save(tmp_path / "in" / f"{number}.png")
        (tmp_path / "in/list.csv").write_text(text.replace("FOLDER", str(tmp_path / "in")))
        return open_source("in/list.csv", base=tmp_path, wanted=wanted or Wanted())

    return write


@pytest.mark.parametrize(
    "header",
    [
        "path,label",
        "filepath,label",
        "image,class",
        "filename,category",
        "File,Target",
        "image_path,class_name",
        "Image Name,labels",
    ],
)
def test_columns_are_known_by_many_names(listed, header):
    source = listed(f"{header}\n0.png,cat\n1.png,dog\n")
    assert source.train.classes == ("cat", "dog")
    np.testing.assert_array_equal(source.train.images[..., 0], IMAGES[:2])


def test_columns_can_be_named(listed):
    text = "id,where,what,label\n1,0.png,cat,x\n2,1.png,dog,x\n"
    assert listed(text, Wanted(columns=("where", "what"))).train.classes == ("cat", "dog")
    with pytest.raises(InputError, match=r"expected one column 'photo', as data\.columns says"):
        listed(text, Wanted(columns=("photo", "what")))


@pytest.mark.parametrize("header", ["image,filename,label", "path,class,category", "place,label"])
def test_where_a_column_would_be_a_guess_it_is_asked_for(listed, header):
    with pytest.raises(InputError, match=r"there must be one column .*data\.columns"):
        listed(f"{header}\n0.png,1.png,cat\n")


@pytest.mark.parametrize("name", ["FOLDER/0.png", "FOLDER/x/../0.png", "./0.png", ".\\0.png"])
def test_a_path_inside_the_folder_may_be_written_in_any_way(listed, name):
    assert len(listed(f"path,label\n{name},cat\n1.png,dog\n").train) == 2


def test_an_absolute_path_through_a_link_to_the_folder_is_inside(listed, tmp_path):
    listed("path,label\n0.png,a\n")
    (tmp_path / "link").symlink_to("in")
    (tmp_path / "in/list.csv").write_text(f"path,label\n{tmp_path}/link/0.png,a\n{tmp_path}/in/1.png,b\n")
    assert len(open_source("link/list.csv", base=tmp_path).train) == 2


def test_all_missing_pictures_are_named_and_may_be_left_out(listed):
    text = "path,label\n0.png,cat\nx.png,dog\n1.png,dog\ny.png,cat\n"
    with pytest.raises(InputError) as caught:
        listed(text)
    assert all(
        part in str(caught.value) for part in ("2 of 4 images", "line 3", "'x.png'", "line 5", "'y.png'")
    )
    source = listed(text, Wanted(skip_damaged=True))
    assert source.train.labels.tolist() == [0, 1]
    assert "2 images of the list are not there and are left out" in source.notes[0]


def pixel_table(folder, header, label_last=False, images=IMAGES, labels=LABELS):
    lines = [header] if header else []
    for image, label in zip(images, labels, strict=True):
        cells = [str(value) for value in image.ravel()]
        lines.append(",".join([*cells, str(label)] if label_last else [str(label), *cells]))
    (folder / "pixels.csv").write_text("\n".join(lines) + "\n")
    return open_source("pixels.csv", base=folder)


@pytest.mark.parametrize(
    ("header", "last"),
    [
        ("label," + ",".join(f"pixel{n}" for n in range(25)), False),
        ("label," + ",".join(f"{r}x{c}" for r in range(1, 6) for c in range(1, 6)), False),
        (",".join(f"pixel_{n}" for n in range(1, 26)) + ",class", True),
        (None, False),
        (None, True),
    ],
)
def test_pixels_on_lines_are_pictures(tmp_path, header, last):
    source = pixel_table(tmp_path, header, last)
    np.testing.assert_array_equal(source.train.images[..., 0], IMAGES)
    assert source.train.classes == ("3", "7")
    assert source.train.labels.tolist() == [0, 1] * 3
    assert source.notes[-1].endswith("rows of 25 pixels are read as images of 5×5")
    if header is None:
        assert f"the label is taken to be the {'last' if last else 'first'} column" in source.notes[0]


def test_pixels_may_be_floats_and_labels_text(tmp_path):
    header = "label," + ",".join(f"pixel{n}" for n in range(25))
    source = pixel_table(tmp_path, header, images=np.round(IMAGES / 255, 6), labels=list("ababab"))
    np.testing.assert_array_equal(source.train.images[..., 0], IMAGES)
    assert source.train.classes == ("a", "b")


@pytest.mark.parametrize(("layout", "axis"), [("channels_last", 3), ("channels_first", 1)])
def test_pixels_in_colour_need_a_layout(tmp_path, layout, axis):
    images = np.random.default_rng(0).integers(0, 256, (4, 5, 5, 3), np.uint8)
    header = "label," + ",".join(f"pixel{n}" for n in range(75))
    with pytest.raises(InputError, match=r"images of 5×5 in colour.*data\.layout"):
        pixel_table(tmp_path, header, images=np.moveaxis(images, 3, axis), labels=[1, 2, 1, 2])
    found = open_source("pixels.csv", base=tmp_path, wanted=Wanted(layout=layout))
    np.testing.assert_array_equal(found.train.images, images)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ",".join(f"pixel{n}" for n in range(25)) + "\n" + ",".join("0" * 25),
            "expected a column 'label' beside 25",
        ),
        ("label," + ",".join(f"pixel{n}" for n in range(26)) + "\n1," + ",".join("0" * 26), "square images"),
        ("label," + ",".join(f"pixel{n}" for n in range(25)) + "\n1,0,0", "line 2: expected 26 cells"),
        (
            "label," + ",".join(f"pixel{n}" for n in range(25)) + "\n1,x," + ",".join("0" * 24),
            "line 2: expected numbers",
        ),
        ("label," + ",".join(f"pixel{n}" for n in range(25)) + "\n1,nan," + ",".join("0" * 24), "found NaN"),
    ],
)
def test_tables_that_hold_no_pictures_are_refused(tmp_path, text, message):
    (tmp_path / "pixels.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        open_source("pixels.csv", base=tmp_path)

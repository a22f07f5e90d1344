"""metrics.csv: what is written comes back, and what is not ours is said to be so."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from convcli.errors import InputError
from convcli.runs.folder import METRICS, Run
from convcli.runs.metrics import read_history, write_history
from histories import history

EPOCHS = history([0.9, 0.5, 0.3], [0.8, 0.25, 0.3])


def test_a_row_an_epoch_with_the_columns_of_the_contract(tmp_path):
    write_history(Run(tmp_path), history([0.5, 1e-5]))
    assert (tmp_path / METRICS).read_text() == (
        "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,seconds,"
        "images_per_second,validation_macro_precision,validation_macro_recall,validation_macro_f1,best_by\n"
        "1,0.5,0.5,,,0.001,0.5,1000.0,,,,validation_accuracy\n"
        "2,1e-05,0.99999,,,0.001,0.5,2000.0,,,,validation_accuracy\n"
    )


def test_a_table_of_an_older_version_has_fewer_columns(tmp_path):
    write_history(Run(tmp_path), EPOCHS)
    lines = (tmp_path / METRICS).read_text().splitlines()
    older = [",".join(line.split(",")[:8]) for line in lines]
    (tmp_path / METRICS).write_text("\n".join(older))
    assert read_history(Run(tmp_path)) == EPOCHS


@pytest.mark.parametrize("epochs", [EPOCHS, history([0.1, 1e-9]), []], ids=["judged", "unjudged", "none"])
def test_epochs_come_back_as_they_were(tmp_path, epochs):
    if epochs:
        write_history(Run(tmp_path), epochs)
    assert read_history(Run(tmp_path)) == epochs


HEAD = ",".join(asdict(EPOCHS[0]))
ROW = "1,0.5,0.5,0.4,0.6,0.001,0.5,1000.0,,,0.7,validation_accuracy"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a table of epochs as `convcli train` writes it."),
        (f"{HEAD}\n", "not a table of epochs"),
        ("a,b\n1,2\n", "damaged in row 1, epoch: Field required."),
        (f"{HEAD},more\n{ROW},1\n", "damaged in row 1, more: Unexpected keyword argument."),
        (f"{HEAD}\n{ROW},7\n", "not a table of epochs"),
        (f"{HEAD}\n{ROW[:20]}\n", "not a table of epochs"),
        (f'{HEAD}\n"{ROW}\n', "not a table of epochs"),
        (f"{HEAD}\n\n{ROW}\n", "not a table of epochs"),
        (
            f"{HEAD}\n{ROW.replace('0.4', 'x')}\n",
            "damaged in row 1, validation_loss: Input should be a val",
        ),
        (
            f"{HEAD}\n{ROW.replace('0.001', 'nan')}\n",
            "damaged in row 1, learning_rate: Input should be a fin",
        ),
        (
            f"{HEAD}\n{ROW.replace('0.001', '')}\n",
            "damaged in row 1, learning_rate: Input should be a val",
        ),
        (f"{HEAD}\n{ROW.replace('accuracy', 'acuracy')}\n", "damaged in row 1, best_by: Input should be "),
        (f"{HEAD}\n{ROW}\n{ROW}\n", "damaged: its rows are not the epochs 1, 2, 3 …."),
        (
            f"{HEAD}\n{ROW.replace('0.4', '')}\n",
            "damaged: of an epoch's two validation figures",
        ),
    ],
)
def test_a_table_that_is_not_ours_is_an_error_that_says_where(tmp_path, text, message):
    (tmp_path / METRICS).write_text(text)
    with pytest.raises(InputError) as error:
        read_history(Run(tmp_path))
    assert str(error.value).startswith(f"{tmp_path / METRICS}: {message}")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00\x00", b"PK\x03\x04"])
def test_a_file_that_is_no_text_is_an_error(tmp_path, content):
    (tmp_path / METRICS).write_bytes(content)
    with pytest.raises(InputError, match=r"metrics\.csv: "):
        read_history(Run(tmp_path))

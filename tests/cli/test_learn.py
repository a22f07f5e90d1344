"""`convcli learn` through its entry point: sessions from a pipe, progress, the list."""

from __future__ import annotations

import io
import json
import re

import pytest

from convcli.learn import LESSONS


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """Keep progress away from the user's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "convcli" / "progress.json"


@pytest.fixture
def run(call):
    """Return a function that calls the command line with text as its standard input."""

    def run(*args, input=""):  # noqa: A002
        return call(*args, stdin=io.TextIOWrapper(io.BytesIO(input.encode()), "utf-8"))

    return run


def answers(lesson, seed):
    return [LESSONS[lesson].draw(kind, seed).answer.typed for kind in LESSONS[lesson].kind]


def listed(run):
    return {one["name"]: one for one in json.loads(run("learn", "--json").stdout)["lessons"]}


def test_the_list_has_twelve_lessons_and_says_where_to_begin(run):
    done = run("learn")
    assert done.code == 0
    assert all(name in done.stdout for name in LESSONS)
    assert done.stdout.rstrip().endswith("Next: convcli learn pixels")


@pytest.mark.parametrize("lesson", ["convolution", "5", "backward"])
def test_right_answers_from_a_pipe_finish_a_lesson(run, state, lesson):
    name = "stride" if lesson == "5" else lesson
    done = run("learn", lesson, "--seed", "4", input="\n".join(answers(name, 4)))
    assert done.code == 0, done.stdout
    count = len(LESSONS[name].kinds)
    assert done.stdout.count("Right.") == count
    assert f"{count} of {count} exercises right. Lesson {LESSONS[name].number} is done." in done.stdout
    assert listed(run)[name]["done"]
    assert json.loads(state.read_text("utf-8"))["lessons"][name]


def test_the_answers_that_the_help_pipes_in_are_right(run):
    line = re.search(r"printf '(.*)' \| convcli (learn .*)", run("learn", "--help").stdout)
    done = run(*line[2].split(), input=line[1].replace("\\n", "\n"))
    assert done.stdout.count("Right.") == 2
    assert "Not yet." not in done.stdout


def test_a_wrong_answer_gets_a_hint_then_the_solution_and_exit_code_3(run):
    right = answers("convolution", 4)
    done = run("learn", "convolution", "--seed", "4", input="\n".join(["12345", "what", "54321", *right[1:]]))
    assert done.code == 3
    exercise = LESSONS["convolution"].draw("one-cell", 4)
    assert (
        done.stdout.index("Not yet.")
        < done.stdout.index("Expected a whole number")
        < done.stdout.index("The solution:")
    )
    assert f"Answer: {exercise.answer.element.text}" in done.stdout
    assert "3 of 4 exercises right. 1 exercise of this lesson still open" in done.stdout


def test_help_skip_and_quit_are_no_answers(run):
    done = run("learn", "pixels", "--seed", "1", input="?\nskip\nquit\n")
    assert done.code == 3
    assert "Expected here: a whole number" in done.stdout
    assert done.stdout.count("The solution:") == 1
    assert listed(run)["pixels"]["exercises"]["read"] == {"right": 0, "wrong": 1}


def test_without_answers_it_says_what_to_do(run):
    done = run("learn", "pixels", input="")
    assert done.code == 2
    assert "Standard input holds no answers: call convcli learn pixels in a terminal" in done.stderr


def test_what_is_still_open_is_asked_and_with_a_seed_all(run):
    run("learn", "pixels", "--seed", "1", input=f"{answers('pixels', 1)[0]}\nquit\n")
    assert "Exercise 1 of 3" in run("learn", "pixels", input="quit\n").stdout
    assert "Exercise 1 of 4" in run("learn", "pixels", "--seed", "2", input="quit\n").stdout


def test_progress_may_be_kept_elsewhere_and_forgotten(run, tmp_path, state):
    own = tmp_path / "own.json"
    run("learn", "edges", "--seed", "1", "--progress", own, input=answers("edges", 1)[0])
    assert not state.exists()
    assert run("learn", "edges", "--progress", own, "--reset").stdout.endswith("forgotten: edges\n")
    assert json.loads(own.read_text("utf-8"))["lessons"] == {}
    assert run("learn", "--progress", own, "--reset").stdout == "Nothing was answered yet.\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"lessons": {}}',
        b'{"convcli": "progress", "version": 9, "lessons": {}}',
        b'{"convcli": "progress", "version": 1, "lessons": {"edges": {"mean": [1, -1]}}}',
        b'{"convcli": "progress", "version": 1, "lessons": 3}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_progress_file_is_refused_and_stays(run, tmp_path, content):
    own = tmp_path / "own.json"
    own.write_bytes(content)
    for options in ((), ("--reset",), ("edges",)):
        done = run("learn", *options, "--progress", own, input="1\n")
        assert done.code == 1
        assert "expected a progress file of convcli" in done.stderr
    assert own.read_bytes() == content


def test_where_progress_cannot_be_kept_the_lesson_goes_on(run, tmp_path):
    missing = tmp_path / "missing" / "own.json"
    done = run("learn", "edges", "--seed", "1", "--progress", missing, input="\n".join(answers("edges", 1)))
    assert done.code == 0
    assert done.stderr.count("note: what is answered is not kept") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("learn", "13"), "There are 12 lessons"),
        (("learn", "strde"), "Did you mean 'stride'?"),
        (("learn", "--seed", "3"), "--seed goes with a lesson"),
        (("learn", "stride", "--json"), "--json lists the lessons"),
    ],
)
def test_what_makes_no_sense_is_refused(run, arguments, words):
    done = run(*arguments, input="1\n")
    assert done.code == 2
    assert words in done.stderr


@pytest.mark.long
def test_a_sheet_and_its_answers_are_two_files_in_each_format(run, tmp_path):
    options = [
        option for form in ("pdf", "markdown", "latex", "html") for option in (f"--{form}", f"s.{form}")
    ]
    done = run("learn", "4-6", "--sheet", "3", "--seed", "5", *options)
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["s.pdf  3 exercises, seed 5", "s-answers.pdf  answers, seed 5"]
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {
        f"s{part}.{form}" for part in ("", "-answers") for form in ("pdf", "markdown", "latex", "html")
    }
    assert "Padding" in (tmp_path / "s.markdown").read_text("utf-8")
    assert "Answer" not in (tmp_path / "s.markdown").read_text("utf-8")
    again = run("learn", "4-6", "--sheet", "3", "--seed", "5", "--pdf", "s.pdf")
    assert again.code == 1
    assert "s.pdf exists already" in again.stderr
    (tmp_path / "s.pdf").unlink()
    assert "s-answers.pdf exists already" in run("learn", "--sheet", "3", "--pdf", "s.pdf").stderr
    assert not (tmp_path / "s.pdf").exists()


def test_a_sheet_without_a_seed_says_which_was_drawn(run, tmp_path):
    seed = run("learn", "--sheet", "2", "--markdown", "a.md").stdout.split()[4]
    run("learn", "--sheet", "2", "--markdown", "b.md", "--seed", seed)
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sheet", "3"), "--sheet needs a file to write"),
        (("--sheet", "0", "--pdf", "x.pdf"), "expected 1 to 100"),
        (("--sheet", "3", "--pdf", "x", "--markdown", "x"), "Two outputs"),
        (("--sheet", "3", "--pdf", "x", "--json"), "--sheet goes with"),
        (("--pdf", "x.pdf"), "--pdf goes with --sheet N"),
        (("stride", "--force"), "--force goes with --sheet N or --notebook DIR"),
        (("3-1", "--sheet", "3", "--pdf", "x.pdf"), "Expected lessons such as 1-3"),
    ],
)
def test_a_sheet_that_makes_no_sense_is_refused(run, tmp_path, arguments, words):
    done = run("learn", *arguments)
    assert done.code == 2
    assert words in done.stderr
    assert not list(tmp_path.glob("x*"))


def test_notebooks_are_written_into_a_folder(run, tmp_path):
    done = run("learn", "4-5", "--notebook", "lessons", "--seed", "1")
    assert done.stdout.splitlines() == [
        "lessons/04-padding.ipynb  5 exercises, seed 1",
        "lessons/05-stride.ipynb  5 exercises, seed 1",
    ]
    assert json.loads((tmp_path / "lessons/04-padding.ipynb").read_text("utf-8"))["nbformat"] == 4
    again = run("learn", "3-4", "--notebook", "lessons")
    assert again.code == 1
    assert "04-padding.ipynb exists already" in again.stderr
    assert len(list((tmp_path / "lessons").iterdir())) == 2
    assert run("learn", "--notebook", "x", "--json").code == 2

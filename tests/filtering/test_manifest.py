"""A manifest as a file: whole lines, whatever ends the process, and what is no manifest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from convcli.errors import InputError, OutputError, UsageError
from convcli.filtering import manifest_index
from convcli.filtering.evidence import Evidence
from convcli.filtering.manifest import Journal
from convcli.filtering.manifest_index import Latest
from convcli.filtering.manifest_lines import latest, line_number, place_of, read_manifest

LINE = {"input": "a.png", "output": "b.png"}


def written(path, *lines, **how):
    journal = Journal(path, **how)
    journal.begin()
    for line in lines:
        journal.add(line)
    journal.close()


def test_the_last_line_of_a_result_counts_however_it_is_spelled(tmp_path):
    path = tmp_path / "m.jsonl"
    written(path, {**LINE, "error": "no"}, {"input": "c.png", "output": None}, {**LINE, "output": "./b.png"})
    (entry,) = latest(read_manifest(path)).values()
    assert (line_number(path, entry), entry.failed) == (3, False)


def test_a_line_that_was_cut_short_is_left_out_and_then_cut_off(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps(LINE) + "\n" + '{"input": "c.p')
    assert len(read_manifest(path)) == 1
    written(path, {"input": "d.png", "output": "e.png"}, resume=True)
    assert [entry.source for entry in read_manifest(path)] == ["a.png", "d.png"]
    assert path.read_bytes().count(b"\n") == 2


def test_a_line_is_there_before_the_next_begins(tmp_path):
    journal = Journal(tmp_path / "m.jsonl")
    journal.begin()
    journal.add(LINE)
    assert len(read_manifest(tmp_path / "m.jsonl")) == 1
    journal.close()


@pytest.mark.parametrize("name", ["two\nlines", "\u202egnp.exe", os.fsdecode(b"caf\xe9"), "café", "\x1b[31m"])
def test_any_name_comes_back_and_none_begins_a_line_or_turns_it_around(tmp_path, name):
    path = tmp_path / "m.jsonl"
    written(path, {"input": name, "output": name})
    (entry,) = read_manifest(path)
    assert (entry.source, entry.target) == (name, name)
    assert path.read_text().removesuffix("\n").isprintable()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no json\n", "line 1: expected what --manifest writes"),
        ('{"input": "a", "output": "b"}\n[1]\n', "line 2: expected"),
        ('{"output": "b"}\n', "line 1: expected"),
        ("[" * 100_000 + "\n", "line 1: expected"),
        (b"\xff\xfe\n", "line 1: expected"),
    ],
    ids=str,
)
def test_what_is_no_manifest_is_refused_by_its_line(tmp_path, text, found):
    path = tmp_path / "m.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=found):
        read_manifest(path)
    with pytest.raises(InputError, match=found):
        Journal(path, resume=True)
    with pytest.raises(OutputError, match="exists already; --resume goes on with it, --force begins it anew"):
        Journal(path)
    written(path, LINE, force=True)
    assert len(read_manifest(path)) == 1


def test_a_place_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="--manifest names a file"):
        Journal("-")
    for place in (tmp_path, tmp_path / "none/m.jsonl"):
        with pytest.raises(OutputError):
            Journal(place)
    with pytest.raises(InputError, match="no such file"):
        read_manifest(tmp_path / "none")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_two_processes_do_not_write_one_manifest(tmp_path):
    path = tmp_path / "m.jsonl"
    hold = (
        "import sys; from pathlib import Path; from convcli.filtering.manifest import Journal\n"
        "journal = Journal(Path(sys.argv[1])); journal.begin(); print(flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", hold, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(OutputError, match="another process writes it now"):
            Journal(path, force=True).begin()
        other.communicate()
    written(path, LINE, force=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_a_full_disk_is_an_error_that_names_the_manifest():
    journal = Journal(Path("/dev/full"))
    journal.begin()
    with pytest.raises(OutputError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        journal.add(LINE)
    journal.close()


def test_a_digest_says_more_than_a_time_and_a_size_more_than_nothing():
    then = Evidence(input_bytes=3, input_modified="1", input_sha256="aa", output_bytes=5)
    assert then.change(Evidence(3, "2", "aa", 5), of="input") == ""
    assert then.change(Evidence(3, "1", "bb", 5), of="input") == "SHA-256"
    assert then.change(Evidence(3, "2"), of="input") == "time of its last change"
    assert then.change(Evidence(4, "1"), of="input") == "size"
    assert then.untimed().change(Evidence(3, "2"), of="input") == ""
    assert then.change(Evidence(output_bytes=6), of="output") == "size"
    assert then.change(Evidence(), of="output") == ""


def test_of_several_lines_of_a_place_the_last_is_read_again_when_it_is_asked_for(tmp_path):
    path = tmp_path / "m.jsonl"
    lines = [{"input": f"{n}.png", "output": f"o/{n % 50}.png", "error": "x" * n * 90} for n in range(100)]
    written(path, *lines, {"input": "through.png", "output": None})
    found = Latest(path)
    assert len(found) == 100
    assert [found.get(place_of(f"./o/{n}.png")).source for n in (0, 49)] == ["50.png", "99.png"]
    assert len(found.get(place_of("o/49.png")).document["error"]) == 99 * 90  # longer than is read at once
    assert found.get(place_of("o/50.png")) is None
    assert Latest(None).get(place_of("o/1.png")) is None


def test_places_of_one_hash_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest_index, "_key", lambda place: 7)
    path = tmp_path / "m.jsonl"
    written(path, *({"input": f"{n}.png", "output": f"{n % 3}.out"} for n in range(9)))
    found = Latest(path)
    assert [found.get(place_of(f"{n}.out")).source for n in range(3)] == ["6.png", "7.png", "8.png"]
    assert found.get(place_of("3.out")) is None


def test_a_manifest_that_is_replaced_is_read_as_it_was_and_one_that_is_changed_is_an_error(tmp_path):
    path = tmp_path / "m.jsonl"
    written(path, LINE)
    found = Latest(path)
    other = tmp_path / "other"
    other.write_text(json.dumps({**LINE, "input": "z.png"}) + "\n")
    if sys.platform != "win32":  # where nothing replaces an open file
        other.replace(path)
        assert found.get(place_of("b.png")).source == "a.png"
    found.close()
    found = Latest(path)
    path.write_text(json.dumps({**LINE, "output": "c.png"}) + "\n")
    with pytest.raises(InputError, match="was changed while it was read; call again"):
        found.get(place_of("b.png"))


def test_an_index_takes_sixteen_bytes_a_line(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps({"input": "a", "output": f"{n}.png"}) + "\n" for n in range(20_000)))
    Latest(path).close()  # what it imports
    tracemalloc.start()
    found = Latest(path)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / len(found) < 17
    assert most / len(found) < 45


def test_addresses_stand_in_a_manifest_without_their_secrets_and_are_found_with_them(tmp_path):
    path = tmp_path / "m.jsonl"
    made = "https://me:pass@host/b.png?X-Amz-Signature=0f"
    written(path, {"input": "s3://key:secret@bucket/a b.png", "output": made})
    assert not any(word in path.read_text() for word in ("pass", "0f", "secret"))
    entry = Latest(path).get(place_of(made))
    assert (entry.source, entry.target) == ("s3://bucket/a b.png", "https://host/b.png")

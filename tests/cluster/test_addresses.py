"""Images and results in stores: what is listed there, read and written, and what goes wrong."""

from __future__ import annotations

import functools
import http.server
import importlib
import logging
import os
import threading
from pathlib import Path
from typing import ClassVar

import PIL.Image
import pytest

from convcli.errors import InputError, MissingExtraError, OutputError, UsageError
from convcli.filtering.jobs import Ending, Saving

fsspec = pytest.importorskip("fsspec")

from convcli.cluster import addresses  # noqa: E402
from convcli.cluster.addresses import store_of  # noqa: E402
from convcli.cluster.listing import listed  # noqa: E402

ODD = ["a b.png", "c#d.png", "e?f.png", "100%25.png", "ü\u65e5.png", "g+h.png", "[i].png", "j&k.png"]
"""Names that are no trouble for a store, and would be for whoever took them for the web's."""

os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def memory():
    """A store of this process."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()


@pytest.fixture(scope="module")
def s3():
    """A bucket of a real server, `photos`, of whoever has its key."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0)
    pytest.importorskip("s3fs")
    with pytest.MonkeyPatch.context() as patch:
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        addresses._store.cache_clear()
        files = fsspec.filesystem("s3", use_listings_cache=False)
        files.mkdir("photos")
        yield files
        server.stop()
    addresses._store.cache_clear()
    type(files).clear_instance_cache()


@pytest.fixture
def web(tmp_path):
    """A folder that a web server shows, and its address."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    pytest.importorskip("aiohttp")
    (tmp_path / "shown").mkdir()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(quiet, directory=tmp_path / "shown")
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path / "shown", f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def results(*images, out_dir="o", told=None, **how):
    how = {"recursive": True, "tell": print if told is None else told.append} | how
    found = listed(images, [Ending("sobel", ".png")], Saving(out_dir=Path(out_dir)), **how)
    return [(image.source, *image.targets, image.bytes) for image in found]


def test_a_store_is_walked_folder_by_folder_and_mirrored_in_another(memory):
    for name in (
        "/in/b.png",
        "/in/a/c.jpg",
        "/in/a/c.png",
        "/in/notes.txt",
        "/in/.hidden/d.png",
        "/in/out/e.png",
    ):
        memory.pipe(name, b"12345")
    told = []
    assert results("memory://in/", out_dir="memory://in/out", told=told) == [
        ("memory://in/b.png", "memory://in/out/b_sobel.png", 5),
        ("memory://in/a/c.jpg", "memory://in/out/a/c.jpg_sobel.png", 5),
        ("memory://in/a/c.png", "memory://in/out/a/c.png_sobel.png", 5),
    ]
    assert told == [
        "memory://in/: 1 passed over whose names do not end as those of image files",
        "memory://in/: 1 folder in it passed over (out); a link, or where results go",
        told[-1],
    ]
    assert told[-1].startswith("2 images differ from another in nothing but the ending (c.jpg, c.png)")
    assert [one[0] for one in results("memory://in/**/c.*", recursive=False)] == [
        "memory://in/a/c.jpg",
        "memory://in/a/c.png",
    ]
    with pytest.raises(UsageError, match="the results would lie among the images"):
        results("memory://in", out_dir="memory://in/")
    with pytest.raises(UsageError, match=r"memory://in/b.png: give --out-dir"):
        list(listed(["memory://in/b.png"], [Ending("x", ".png")], Saving(), recursive=False, tell=print))
    with pytest.raises(InputError, match="memory://none/: no such folder there"):
        results("memory://none/")


def test_s3_is_listed_in_pages_with_its_odd_names_and_without_marks_of_folders(s3, monkeypatch):
    for name in (*ODD, "deep/x.png", "../up.png", ".hidden.png", "/nameless.png", "a b.png/inner.png"):
        s3.call_s3("put_object", Bucket="photos", Key=f"odd/{name}", Body=b"123")
    s3.call_s3("put_object", Bucket="photos", Key="odd/", Body=b"")
    s3.call_s3("put_object", Bucket="photos", Key="odd/deep/", Body=b"")
    calls, call = [], type(s3).call_s3
    monkeypatch.setattr(
        type(s3),
        "call_s3",
        lambda self, *a, **k: (calls.append(k), call(self, *a, **({"MaxKeys": 3} | k)))[1],
    )
    told = []
    found = results("s3://photos/odd", out_dir="s3://photos/out", told=told)
    assert sorted(found) == sorted(
        [(f"s3://photos/odd/{name}", f"s3://photos/out/{Path(name).stem}_sobel.png", 3) for name in ODD]
        + [
            ("s3://photos/odd/deep/x.png", "s3://photos/out/deep/x_sobel.png", 3),
            ("s3://photos/odd/a b.png/inner.png", "s3://photos/out/a b.png/inner_sobel.png", 3),
        ]
    )
    assert told == ["s3://photos/odd: 1 folder in it passed over (''); a link, or where results go"]
    assert sum("ContinuationToken" in call for call in calls) >= 3
    assert [one[0] for one in results("s3://photos/*/[[]i].png")] == ["s3://photos/odd/[i].png"]
    assert [one[0] for one in results("s3://photos/odd/[i].png")] == [
        "s3://photos/odd/[i].png"
    ]  # it is there
    with pytest.raises(InputError, match=r"s3://photos/nothing/: cannot be read \(no such folder there\)"):
        results("s3://photos/nothing/")
    with pytest.raises(InputError, match="s3://nowhere/: no such bucket"):
        results("s3://nowhere/")


def test_an_object_comes_and_goes_whole_and_is_not_replaced_unasked(s3, tmp_path):
    store, file = store_of("s3://photos/x"), tmp_path / "x"
    file.write_bytes(b"one")
    for name in ODD:
        address = f"s3://photos/put/{name}"
        store.put(file, address, replace=False)
        with pytest.raises(OutputError, match="exists already: it was made in the meantime") as caught:
            store.put(file, address, replace=False)
        assert isinstance(caught.value.__cause__, FileExistsError)
        store.put(file, address, replace=True)
        store.fetch(address, tmp_path / "y")
        assert (tmp_path / "y").read_bytes() == b"one"
        assert store.info(address).bytes == 3
    assert store.is_exclusive
    assert store.info("s3://photos/put/none") is None
    began = store.now("s3://photos/put")
    assert abs(store.info("s3://photos/put/a b.png").modified - began) < 60 * 10**9
    assert sorted(s3.ls("photos/put", detail=False)) == sorted(f"photos/put/{name}" for name in ODD)


def test_what_goes_wrong_is_one_line_without_secrets(s3, monkeypatch, tmp_path):
    (tmp_path / "x").write_bytes(b"one")
    with pytest.raises(OutputError, match="s3://nowhere/x: cannot be written: there is no such bucket"):
        store_of("s3://nowhere").put(tmp_path / "x", "s3://nowhere/x", replace=False)
    with pytest.raises(InputError, match="s3://photos/none: no such file there"):
        store_of("s3://photos").fetch("s3://photos/none", tmp_path / "y")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    addresses._store.cache_clear()
    type(s3).clear_instance_cache()
    with pytest.raises(InputError, match=r"^s3://photos/none: cannot be looked for \(") as caught:
        store_of("s3://photos").info("s3://photos/none")
    assert len(caught.value.lines) == 1
    addresses._store.cache_clear()
    type(s3).clear_instance_cache()


def test_what_drivers_log_is_not_printed(monkeypatch, capsys):
    monkeypatch.setattr(logging.root, "handlers", [])
    logger = logging.getLogger("fsspec.any")
    logger.warning("try 1")
    store_of("memory://x/a.png")
    logger.warning("try 2")
    assert "try 2" not in capsys.readouterr().err


def test_a_protocol_that_is_misspelt_is_suggested():
    with pytest.raises(UsageError, match=r"htps://host/a.png: Unknown protocol 'htps'. Did you mean 'https'"):
        store_of("htps://me:pass@host/a.png")
    with pytest.raises(UsageError, match=r"Unknown protocol 'x1'\. Known: s3, gs, .*, file\."):
        store_of("x1://host/a.png")


@pytest.mark.parametrize(
    ("address", "package"),
    [("s3://photos/a.png", "s3fs"), ("gs://photos/a.png", "gcsfs"), ("https://host/a.png", "aiohttp")],
)
def test_a_package_that_is_missing_is_named(monkeypatch, address, package):
    registry = importlib.import_module("fsspec.registry")

    def missing(name):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(registry, "registry", {})
    monkeypatch.setattr(registry, "_import_class", missing)
    with pytest.raises(MissingExtraError, match=f"needs the package {package}, which is not installed: pip"):
        store_of(address)


def test_the_web_is_read_by_what_its_pages_link_to_and_never_written(web, tmp_path):
    folder, top = web
    (folder / "in ner").mkdir()
    for name in ("a b.png", "in ner/c#d.png", "in ner/ü.png"):
        (folder / name).write_bytes(b"123")
    found = results(top)
    assert sorted(found) == [
        (f"{top}a%20b.png", "o/a b_sobel.png", None),
        (f"{top}in%20ner/%C3%BC.png", "o/in ner/ü_sobel.png", None),
        (f"{top}in%20ner/c%23d.png", "o/in ner/c#d_sobel.png", None),
    ]
    store = store_of(top)
    for address, _, _ in found:
        store.fetch(address, tmp_path / "y")
        assert (tmp_path / "y").read_bytes() == b"123"
        assert store.info(address).bytes == 3
        assert abs(store.info(address).modified - (folder / "a b.png").stat().st_mtime_ns) < 60 * 10**9
    assert results(f"{top}a%20b.png?size=9") == [(f"{top}a%20b.png?size=9", "o/a b_sobel.png", None)]
    with pytest.raises(InputError, match=r"none.png: no such file there"):
        store.fetch(f"{top}none.png", tmp_path / "y")
    with pytest.raises(UsageError, match="http:// is read only"):
        store.put(tmp_path / "y", f"{top}made.png", replace=True)


def test_a_file_of_this_machine_is_one_by_its_address_too(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"123")
    assert results(f"file://{tmp_path}", out_dir=f"file://{tmp_path}/o") == [
        (f"{tmp_path}/a.png", f"{tmp_path}/o/a_sobel.png", 3)
    ]


def test_pipelines_and_kernels_are_read_from_stores_with_names_beside_them(memory, call, tmp_path):
    image = tmp_path / "a.png"
    PIL.Image.new("L", (8, 8), 9).save(image)
    memory.pipe("/p/edges.toml", b'[[steps]]\ntype = "kernel"\nkernel = "@own.csv"\n')
    memory.pipe("/p/own.csv", b"1,0,-1\n")
    manifest = tmp_path / "m.jsonl"
    by_pipeline, by_kernel = tmp_path / "1.png", tmp_path / "2.png"
    assert call("filter", image, "--pipeline", "memory://p/edges.toml", "-o", by_pipeline).code == 0
    how = ("-o", by_kernel, "--manifest", manifest)
    assert call("filter", image, "-k", "@memory://p/own.csv", *how).code == 0
    assert by_pipeline.read_bytes() == by_kernel.read_bytes()
    assert '"kernel": "@memory://p/own.csv"' in manifest.read_text()
    assert call("filter", "--from", manifest, "--force").code == 0
    result = call("filter", image, "-k", "@memory://p/none.csv", "-o", by_kernel)
    assert (result.code, result.stderr) == (1, "error: memory://p/none.csv: no such file there.\n")
    result = call("filter", image, "--pipeline", "s4://p/edges.toml", "-o", by_kernel)
    assert result.code == 2
    assert result.stderr.startswith("error: s4://p/edges.toml: Unknown protocol 's4'. Known: s3, gs")


class Google:
    """What is asked of gcsfs: pages of a folder, as Google's server has them."""

    pages: ClassVar = {
        None: {
            "items": [{"name": "in/", "size": "0"}, {"name": "in/a.png", "size": "3"}],
            "nextPageToken": "2",
        },
        "2": {"prefixes": ["in/b#1/"]},
    }

    def _strip_protocol(self, address):
        return address.removeprefix("gs://").rstrip("/")

    def split_path(self, path):
        return (*path.partition("/")[::2], None)

    def call(self, *words, prefix, pageToken=None, **how):  # noqa: N803
        return self.pages[pageToken] if prefix == "in/" else {}


def test_google_is_listed_in_pages():
    store = addresses._Google("gs", Google())
    found = [(entry.name, entry.is_folder, entry.bytes) for entry in store.entries("gs://photos/in/")]
    assert found == [("a.png", False, 3), ("b#1", True, None)]
    with pytest.raises(FileNotFoundError):
        list(store.entries("gs://photos/none/"))


def test_a_driver_is_told_no_more_than_an_address_says(monkeypatch):
    told = []

    class Driver:
        """As that of sftp, which hands all it is told to its connection."""

        _get_kwargs_from_urls = staticmethod(lambda address: {"host": "host", "username": "me"})
        _strip_protocol = staticmethod(lambda address: address.removeprefix("sftp://me@host"))

        def ls(self, path, detail=False):
            return [{"name": f"{path.rstrip('/')}/a.png", "type": "file", "size": 3}]

    monkeypatch.setattr(fsspec, "get_filesystem_class", lambda protocol: Driver)
    monkeypatch.setattr(fsspec, "filesystem", lambda protocol, **how: (told.append(how), Driver())[1])
    assert results("sftp://me@host/photos/") == [("sftp://me@host/photos/a.png", "o/a_sobel.png", 3)]
    assert told == [{"host": "host", "username": "me"}]
    addresses._store.cache_clear()

"""The live page's file: what is in it, that it is built from these sources, and what it refuses."""

import base64
import gzip
import hashlib
import html
import json
import re

import numpy as np
import pytest
from live_browser import SOURCES

from ddsp_tf.app.pages.live_page import BUILT, RUNTIME, LiveInstrument, write_live_page
from ddsp_tf.errors import UserError


def instrument(name="reed", stream=b"TFL3 stream", listen=b"TFL3 listen", expression=None, **facts):
    facts = {
        "name": name,
        "sampleRate": 16000,
        "frameRate": 100,
        "hop": 160,
        "latency": 160,
        "earLatency": 320,
        "level": "loudness_db",
        "meanZ": None,
        "hasRoom": True,
        "pitchRange": [50, 70],
        "levelRange": [-30, 0],
        "loudnessOffset": 0,
        **facts,
    }
    return LiveInstrument(facts, [stream], listen, expression)


def facts_of(path):
    text = re.search(r'id="instruments">(.*?)</script>', path.read_text("utf-8"), re.S)[1]
    return json.loads(text)


def embedded(path):
    found = re.findall(r'data-file="(.*?)">(.*?)</script>', path.read_text("utf-8"), re.S)
    return {html.unescape(name): gzip.decompress(base64.b64decode(text)) for name, text in found}


def test_single_file_holds_everything(tmp_path):
    instruments = [instrument(), instrument("<b>", expression=b"TFL3 express")]
    path = write_live_page(tmp_path / "page.html", instruments, True)
    assert list(tmp_path.iterdir()) == [path]
    first, second = facts_of(path)
    files = embedded(path)
    assert first["name"] == "reed" and second["name"] == "<b>"
    assert files[first["model"]] == b"TFL3 stream" and files[first["ear"]] == b"TFL3 listen"
    assert first["ear"] == second["ear"], "one ear for both"
    assert first["expression"] is None and files[second["expression"]] == b"TFL3 express"
    assert files[RUNTIME][:4] == b"\0asm"
    text = path.read_text("utf-8")
    assert not re.search(r'(src|href)="(?!data:)', text) and "<b>" not in text.split("<main>")[0]


@pytest.mark.parametrize(
    ("names", "title"),
    [(["alto_sax", "oboe"], "Play alto sax or oboe"), (["a", "b", "c", "d"], "Play 4 instruments")],
)
def test_title_names_few_instruments(tmp_path, names, title):
    path = write_live_page(tmp_path / "page.html", list(map(instrument, names)), True)
    assert f"<title>{title}</title>" in path.read_text("utf-8")


def test_folder_holds_the_same(tmp_path):
    path = write_live_page(tmp_path / "page", [instrument(listen=None)])
    (facts,) = facts_of(path)
    names = {entry.name for entry in path.parent.iterdir()}
    assert names == {"index.html", RUNTIME, facts["model"]} and facts["ear"] is None
    assert gzip.decompress((path.parent / facts["model"]).read_bytes()) == b"TFL3 stream"
    assert "The Apache License, version 2.0" in path.read_text("utf-8")


def test_every_file_has_a_name_of_its_own_that_is_its_address(tmp_path):
    names = ["a", "a_ear", "A", "50% #1?", "Fl\u00f6te\n", "\udcff/..", "x" * 300]
    given = [instrument(name, name.encode(errors="replace"), name[:2].encode("utf-16", "replace"))
             for name in names]  # fmt: skip
    path = write_live_page(tmp_path / "page", given)
    found = facts_of(path)
    assert [facts["name"] for facts in found] == names
    for one, facts in zip(given, found, strict=True):
        assert re.fullmatch(r"[\w-]+\.tflite\.gz", facts["model"], re.ASCII)
        assert gzip.decompress((path.parent / facts["model"]).read_bytes()) == one.streams[0]
        assert gzip.decompress((path.parent / facts["ear"]).read_bytes()) == one.listen
    stored = [entry.name.lower() for entry in path.parent.iterdir()]
    assert len(set(stored)) == len(stored) == 2 + len(names) + len({one.listen for one in given})
    write_live_page(tmp_path / "page.html", given, single_file=True)


def test_pages_are_replaced_and_nothing_else(tmp_path):
    folder = write_live_page(tmp_path / "page", [instrument()]).parent
    write_live_page(folder, [instrument("oboe")])
    assert "1_oboe.tflite.gz" in {entry.name for entry in folder.iterdir()}
    assert "1_reed.tflite.gz" not in {entry.name for entry in folder.iterdir()}
    (folder / "mine.tflite.gz").write_text("mine")
    with pytest.raises(UserError, match=r"mine\.tflite\.gz: does not belong to a page"):
        write_live_page(folder, [instrument()])
    (folder / "mine.tflite.gz").rename(folder / "song.txt")
    with pytest.raises(UserError, match=r"song\.txt: does not belong to a page"):
        write_live_page(folder, [instrument()])
    other = tmp_path / "home.html"
    other.write_text("<p>mine")
    with pytest.raises(UserError, match="not a page of ddsp-tf"):
        write_live_page(other, [instrument()], True)
    with pytest.raises(UserError, match="is a folder; expected a file"):
        write_live_page(folder, [instrument()], True)
    assert other.read_text() == "<p>mine" and (folder / "song.txt").exists()


def test_bad_instruments_are_refused(tmp_path):
    with pytest.raises(UserError, match="two instruments are called 'reed'"):
        write_live_page(tmp_path / "page", [instrument(), instrument()])
    assert not (tmp_path / "page").exists()


def test_large_models_are_stored_in_fewer_bits(tmp_path, monkeypatch):
    runtime = (BUILT / RUNTIME).stat().st_size
    monkeypatch.setattr("ddsp_tf.app.pages.live_page.LARGEST_PAGE", 4 / 3 * runtime + 300_000)
    noise = np.random.default_rng(0).bytes(2_000_000)
    streams = [noise, noise[:900_000], noise[:50_000], noise[:9]]
    large = LiveInstrument(instrument().facts, streams, None)
    folder = write_live_page(tmp_path / "page", [large]).parent
    single = write_live_page(tmp_path / "page.html", [large], True)
    assert gzip.decompress((folder / "1_reed.tflite.gz").read_bytes()) == streams[1]
    assert embedded(single)["1_reed.tflite.gz"] == streams[2]


def test_built_files_are_of_these_sources():
    """If this fails, `make page` builds them again."""
    record = json.loads((BUILT / "record.json").read_text())
    sources = {f"src/{path.name}" for path in (SOURCES / "src").glob("*.ts")}
    assert sources | {"build.mjs", "package-lock.json", "tsconfig.json"} == set(record["sources"])
    for folder, names in ((SOURCES, record["sources"]), (BUILT, record["files"])):
        for name, expected in names.items():
            content = (folder / name).read_bytes()
            # A checkout may have other ends of lines.
            content = content if name.endswith(".gz") else content.replace(b"\r\n", b"\n")
            assert hashlib.sha256(content).hexdigest() == expected, name


def test_libraries_are_pinned_and_named_in_the_notice():
    versions = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    lock = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    for name, version in versions.items():
        assert re.fullmatch(r"[\d.]+", version)
        assert lock[f"node_modules/{name}"]["version"] == version
        assert f"{name} {version}" in (BUILT / "NOTICE").read_text()


def test_no_source_is_longer_than_300_lines():
    for path in (SOURCES / "src").glob("*.ts"):
        assert len(path.read_text("utf-8").splitlines()) <= 300, path.name

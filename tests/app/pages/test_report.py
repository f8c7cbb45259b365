"""Tests of the report: a well-formed, self-contained page that holds exactly what it was given."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from report_pages import (
    FRAME_RATE,
    RATE,
    STEMS,
    Page,
    evaluation_of_two,
    make_clip,
    noise_stems,
)
from run_records import make_run_record

from ddsp_tf.app.pages.report import write_report, write_report_page
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.evaluator import RunEvaluation
from ddsp_tf.files.run_directory import RunDirectory


@pytest.fixture
def write(tmp_path):
    """Writes a report of clips and returns (its text, its parsed page)."""

    def write_clips(*clips, **settings):
        defaults = {
            "title": "Report",
            "summary": {"spectral_loss": 5.0, "f0_l1_semitones": 0.1},
            "training_log": None,
            "configuration": "",
        }
        path = tmp_path / "report.html"
        settings = {"sample_rate": RATE, "frame_rate": FRAME_RATE, **defaults, **settings}
        write_report_page(path, clips=clips, **settings)
        assert list(tmp_path.iterdir()) == [path]
        text = path.read_text(encoding="utf-8")
        return text, Page(text)

    return write_clips


def sounds(page: Page) -> list[np.ndarray]:
    decoded = []
    for attributes, _ in page.all("audio"):
        kind, content = attributes["src"].split(",")
        assert kind == "data:audio/flac;base64"
        audio, rate = soundfile.read(io.BytesIO(base64.b64decode(content)))
        assert rate == RATE
        decoded.append(audio)
    return decoded


def test_the_page_is_well_formed_and_complete(write, rng):
    log = {"loss": (np.arange(5), np.linspace(9, 5, 5))}
    text, page = write(
        make_clip(rng, "first", noise_stems(rng)),
        make_clip(rng, "second"),
        title="My violin",
        training_log=log,
        configuration="decoder = 3",
    )
    assert text.startswith("<!DOCTYPE html>")
    assert page.all("h1")[0][1] == page.all("title")[0][1] == "My violin"
    assert len(page.all("article")) == 2
    assert len(page.all("img")) == (len(STEMS) + 1) + (1 + 1) + 1
    assert page.all("pre") == [({}, "decoder = 3")]
    identifiers = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    references = [a["href"][1:] for a, _ in page.all("a")]
    references += [a["aria-labelledby"] for _, a, _ in page.elements if "aria-labelledby" in a]
    assert set(references) <= set(identifiers)


def test_controls_have_names_and_types(write, rng):
    _, page = write(make_clip(rng, stems=noise_stems(rng)))
    assert all(attributes["type"] == "button" for attributes, _ in page.all("button"))
    assert all(attributes["alt"] for attributes, _ in page.all("img"))
    assert page.all("input", type="range")[0][0]["aria-label"]
    pressed = [a["aria-pressed"] for a, _ in page.all("button") if "aria-pressed" in a]
    assert pressed == ["true"] + ["false"] * (len(STEMS) - 1)


def test_the_bar_below_controls_the_clip_that_plays(write, rng):
    text, page = write(make_clip(rng, stems=noise_stems(rng)))
    assert page.all("button", id="play") == [
        ({"type": "button", "class": "play", "id": "play"}, "Play")
    ]
    named = [a["data-name"] for a, _ in page.all("button") if "data-stem" in a]
    assert named == list(STEMS)
    assert page.all("span", class_="now")[0][1] == "Clip 1 of 1"
    # Every element that the script looks for exists.
    for wanted in re.findall(r'getElementById\("([\w-]+)"\)', text):
        assert [a for _, a, _ in page.elements if a.get("id") == wanted], wanted


def test_nothing_is_loaded_from_elsewhere(write, rng):
    text, page = write(make_clip(rng))
    for _, attributes, _ in page.elements:
        for name in ("src", "href"):
            assert attributes.get(name, "#")[:5] == "data:" or attributes.get(name, "#")[0] == "#"
    assert "//" not in re.sub(r"base64,[A-Za-z0-9+/=]*", "", text)
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0][0]["content"]
    assert "default-src 'none'" in policy


def test_sounds_decode_to_the_stems_within_16_bits(write, rng):
    clip = make_clip(rng, stems=noise_stems(rng))
    clip.stems["target"][:3] = [1.0, -1.0, 0.0]
    _, page = write(clip)
    decoded = sounds(page)
    assert len(decoded) == len(STEMS)
    for audio, stem in zip(decoded, clip.stems.values(), strict=True):
        np.testing.assert_allclose(audio, stem, atol=1.01 / 32768)
        assert np.abs(audio - stem)[3:].max() <= 0.5001 / 32768


def test_a_stem_above_full_scale_attenuates_its_clip(write, rng):
    clip = make_clip(rng, stems=noise_stems(rng, ("target", "harmonic")))
    clip.stems["harmonic"][7] = 2.0
    text, page = write(clip, make_clip(rng))
    decoded = sounds(page)
    for audio, stem in zip(decoded[:2], clip.stems.values(), strict=True):
        np.testing.assert_allclose(audio, stem / 2.0, atol=1.01 / 32768)
    assert np.abs(decoded[2]).max() > 0.8
    assert text.count("The stem harmonic is 6.0 dB above full scale") == 1


def test_samples_that_are_not_finite_are_muted_and_counted(write, rng):
    clip = make_clip(rng, stems=noise_stems(rng, ("target", "noise")))
    clip.stems["noise"][[3, 4]] = [np.nan, np.inf]
    text, page = write(clip)
    assert "2 samples of noise are not finite" in text
    assert (sounds(page)[1][3:5] == 0.0).all()


def test_silent_and_unequal_stems(write, rng):
    stems = {"target": np.zeros(1000, np.float32), "reconstruction": np.zeros(900, np.float32)}
    _, page = write(make_clip(rng, stems=stems))
    assert [len(audio) for audio in sounds(page)] == [1000, 900]
    assert page.all("article")[0][0]["data-duration"] == str(1000 / RATE)


def test_text_is_escaped(write, rng):
    evil = '<script>alert("x")</script>&\'"'
    clip = make_clip(rng, evil, stems={evil: np.zeros(100, np.float32)}, **{evil: 1.0})
    text, page = write(clip, title=evil, summary={evil: evil}, configuration=evil)
    assert "<script>alert" not in text
    assert len(page.all("script")) == 1
    for tag in ("title", "h1", "h3", "pre", "figcaption"):
        assert page.all(tag)[0][1] == evil
    assert evil in [text for _, text in page.all("td")]


def test_every_column_can_be_sorted(write, rng):
    _, page = write(make_clip(rng), make_clip(rng, spectral_loss=4.5))
    assert len(page.all("th", **{"aria-sort": "none"})) == 3
    buttons = [text for _, text in page.all("button")]
    assert buttons[:3] == ["Clip", "Spectral loss", "Pitch error, semitones"]
    cells = [
        attributes["data-sort"] for attributes, _ in page.all("td") if "data-sort" in attributes
    ]
    assert cells == ["5.0", "0.1", "4.5", "0.1"]


def test_measures_without_a_place_in_the_summary_are_folded(write, rng):
    _, page = write(make_clip(rng, magnitude_64=1.25))
    assert "More measures" in [text for _, text in page.all("summary")]
    assert "1.250" in [text for _, text in page.all("dd")]
    assert len(page.all("th", **{"aria-sort": "none"})) == 3
    _, page = write(make_clip(rng, magnitude_64=1.25), summary={})
    assert len(page.all("th", **{"aria-sort": "none"})) == 4


def test_missing_numbers_are_dashes_that_say_why(write, rng):
    _, page = write(
        make_clip(rng, f0_l1_semitones=np.nan),
        make_clip(rng, spectral_loss=np.inf, loudness_l1_db=2.0),
        summary={"spectral_loss": 5.0, "f0_l1_semitones": np.nan, "loudness_l1_db": 2.0},
    )
    dashes = page.all("span", class_="missing")
    assert {text for _, text in dashes} == {"\N{EN DASH}"}
    reasons = {attributes["title"] for attributes, _ in dashes}
    assert reasons == {"not a number: nothing to measure here", "infinite", "not measured"}
    cells = [
        attributes["data-sort"] for attributes, _ in page.all("td") if "data-sort" in attributes
    ]
    assert cells == ["5.0", "", "", "", "0.1", "2.0"]


def test_summary_shows_value_unit_and_what_is_good(write, rng):
    summary = {
        "f0_outlier_share": 0.0312,
        "loudness_l1_db": np.float32(3.456),
        "clips": np.int64(12),
        "training": "3000 steps",
        "other_measure": 0.5,
    }
    _, page = write(make_clip(rng), summary=summary)
    cells = [text for _, text in page.all("td")]
    assert cells[:2] == ["3.1", "%"] and cells[2].startswith("lower")
    assert cells[3:5] == ["3.46", "dB"] and cells[6] == "12"
    assert "3000 steps" in cells and "0.500" in cells
    assert "Other measure" in [text for _, text in page.all("th")]


def test_four_seconds_stay_below_one_and_a_half_megabytes(write, rng):
    # White noise near full scale is the worst case of both sound and pictures.
    text, _ = write(make_clip(rng, stems=noise_stems(rng, samples=4 * RATE)))
    assert len(text) < 1_500_000


def test_more_clips_than_keys(write, rng):
    stems = {"target": np.zeros(100, np.float32)}
    clips = [make_clip(rng, f"clip {index}", stems=stems) for index in range(11)]
    for clip in clips:
        clip.features = {}
    _, page = write(*clips)
    assert len(page.all("article")) == 11
    assert len([a for a, _ in page.all("a") if a["href"].startswith("#clip-")]) == 11


def test_notes_and_ranks_are_shown(write, rng):
    clip = make_clip(rng)
    clip.rank = "worst"
    _, page = write(clip, notes=["These are training clips."], selection="1 of 9 clips.")
    notes = [text for _, text in page.all("p", class_="note")]
    assert notes == ["These are training clips."]
    assert [text for _, text in page.all("span", class_="rank")] == ["worst", "worst"]
    assert "1 of 9 clips." in [text for _, text in page.all("p", class_="quiet")]


def test_a_place_that_cannot_be_written_is_a_user_error(tmp_path, rng):
    settings = {
        "title": "", "sample_rate": RATE, "frame_rate": FRAME_RATE, "summary": {},
        "clips": [make_clip(rng)], "training_log": None, "configuration": "",
    }  # fmt: skip
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(UserError, match=r"report\.html: cannot be written"):
        write_report_page(blocked / "report.html", **settings)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(UserError, match="folder: cannot be written"):
        write_report_page(folder, **settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize(
    ("stems", "message"),
    [
        ({}, "no stems"),
        ({"target": np.zeros(0)}, r"stem target has shape \(0,\)"),
        ({"target": np.zeros((1, 8))}, r"stem target has shape \(1, 8\)"),
    ],
)
def test_unusable_stems_are_refused(write, rng, stems, message):
    with pytest.raises(ValueError, match=message):
        write(make_clip(rng, stems=stems))


def test_no_clip_is_refused(write):
    with pytest.raises(ValueError, match="at least one clip"):
        write()


def test_the_page_of_a_run_says_what_was_measured(tmp_path, rng):
    run = RunDirectory(tmp_path / "run")
    make_run_record(run, recordings="violin")
    run.configuration.write_text("decoder = 3")
    run.metrics.parent.mkdir()
    run.metrics.write_text("step,loss,validation_loss\n0,9.0,\n1,8.0,8.5\n")
    record = evaluation_of_two()
    assert write_report(run, RunEvaluation(record, [make_clip(rng, "one")])) == run.report
    page = Page(run.report.read_text(encoding="utf-8"))
    assert page.all("h1")[0][1] == "Evaluation: model of violin"
    cells = [text for _, text in page.all("td")]
    assert "2 training clips" in cells and "5.00" in cells and "0.500" not in cells
    assert page.all("p", class_="note")[0][1] == record.notes[0]
    assert [a["alt"] for a, _ in page.all("img")][-1] == "Losses over training steps"
    assert any("These are 1 of 2 clips" in text for _, text in page.all("p"))


def test_the_page_of_an_instrument_shows_the_training_of_its_run(tmp_path, rng):
    run = RunDirectory(tmp_path / "both")
    part = run.instrument("cello")
    make_run_record(run)
    make_run_record(part, part_of={"model": "../../best.keras", "mixture": {"cello": 1.0}})
    shown = RunEvaluation(evaluation_of_two(), [make_clip(rng, "one")])
    assert not Page(write_report(part, shown).read_text(encoding="utf-8")).all("pre")
    run.configuration.write_text("decoder = 3")
    run.metrics.parent.mkdir()
    run.metrics.write_text("step,loss,validation_loss\n0,9.0,\n1,8.0,8.5\n")
    page = Page(write_report(part, shown).read_text(encoding="utf-8"))
    assert page.all("pre") == [({}, "decoder = 3")]
    assert [a["alt"] for a, _ in page.all("img")][-1] == "Losses over training steps"

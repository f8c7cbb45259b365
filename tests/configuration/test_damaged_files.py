"""gin files that are wrong, from typing errors to random bytes: one line, no traceback."""

import random

import pytest

from ddsp_tf import load_experiment, load_extractor
from ddsp_tf.configuration.gin_files import shipped_folder
from ddsp_tf.errors import UserError


def message_of(path, overrides=()):
    with pytest.raises(UserError) as error:
        load_experiment(str(path), overrides)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train.steps = " + "[" * 5000 + "]" * 5000, ["line 1"]),
        ("train.steps = " + "(" * 90, ["line"]),
        ("train.steps = 2 + 3", ["line 1", "Expected newline"]),
        ("train.decay = cosine", ["line 1", "'cosine' is neither a number nor text in quotes"]),
        ("train.decay = 'cosine", ["line 1"]),
        ("train.steps = {'a': 1, 'b'}", ["line 1"]),
        ("train.steps = {[]: 1}", ["line 1"]),
        ("train.steps = @NoSuch()", ["line 1", "NoSuch"]),
        ("\n\nNoSuch.steps = 3", ["line 3", "no class 'NoSuch'", "--import"]),
        ("Harmonik.n_harmonics = 3", ["'Harmonik'", "did you mean 'Harmonic.n_harmonics'"]),
        ("train.steps = %nothing", ["%nothing is used but has no value"]),
        ("include 'demo.gin'\na = %b\nb = %a\nn_harmonics = %a", ["Recursion"]),
        ("Autoencoder.decoder = @Autoencoder()", [""]),
        ("include 'demo.gin'\nAutoencoder.decoder = 3", ["own.gin"]),
        ("include 'demo.gin'\nAutoencoder.decoder = @Harmonic", ["own.gin"]),
        ("include 'demo.gin'\nn_harmonics = 1e400", ["own.gin"]),
        ("include 'demo.gin'\nn_harmonics = 'many'", ["own.gin"]),
        ("include 'demo.gin'\nRnnDecoder.rnn_channels = -3", ["own.gin"]),
        ("include 'demo.gin'\nsample_rate = 0", ["own.gin"]),
        ("include 'demo.gin'\nProcessorGroup.nodes = 5", ["own.gin"]),
        ("include 'demo.gin'\nProcessorGroup.nodes = [(1, 2, 3)]", ["own.gin"]),
        ("include 'demo.gin'\nn_harmonix = 5", ["nothing uses 'n_harmonix'", "'n_harmonics'"]),
        ("include 'demo.gin'\nYinTracker.lowest_hz = 5.0", ["YinTracker has settings but"]),
        ("include 'demo.gin'\ntrain:\n  stepz = 5", ["'stepz'", "'steps'"]),
        ("include 3", ["line 1"]),
        ("\x00\x01", ["zero bytes"]),
        ("\ud800".encode("utf-8", "surrogatepass"), ["UTF-8"]),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_names_the_file(text, words, tmp_path):
    path = tmp_path / "own.gin"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    message = message_of(path)
    assert "own.gin" in message
    for word in words:
        assert word.lower() in message.lower()


def test_random_damage_is_one_line_or_a_valid_file(tmp_path):
    generator = random.Random(3)
    whole = (shipped_folder() / "models" / "solo_instrument.gin").read_bytes()
    path, refused = tmp_path / "damaged.gin", 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(generator.randint(1, 8)):
            content[generator.randrange(len(content))] = generator.randrange(256)
        path.write_bytes(content[: generator.randint(1, len(content))])
        try:
            load_extractor(str(path))
        except UserError as error:
            refused += 1
            assert "damaged.gin" in str(error) and "\n" not in str(error)
    assert refused > 50


@pytest.mark.parametrize("name", ["../outside.gin", "{tmp}/outside.gin", "link.gin", "no\0file"])
def test_only_files_beside_and_shipped_ones_are_included(name, tmp_path):
    (tmp_path / "outside.gin").write_text("include 'demo.gin'\n")
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "link.gin").symlink_to(tmp_path / "outside.gin")
    own = folder / "own.gin"
    own.write_text(f"include {name.format(tmp=tmp_path)!r}\n")
    assert "includes" in message_of(own)


def test_an_include_below_the_folder_and_a_cycle_over_two_files(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "base.gin").write_text("include 'demo.gin'\nframe_rate = 50\n")
    own = tmp_path / "own.gin"
    own.write_text("include 'parts/base.gin'\n")
    assert load_extractor(str(own)).frame_rate == 50
    (tmp_path / "parts" / "base.gin").write_text("include 'again.gin'\n")
    (tmp_path / "parts" / "again.gin").write_text("include 'base.gin'\n")
    assert "includes itself" in message_of(own)


def test_a_file_that_is_no_gin_file_is_not_read(tmp_path):
    path = tmp_path / "own.gin"
    with open(path, "wb") as file:
        file.truncate(1 << 33)
    assert "expected a gin file of at most 1 MiB" in message_of(path)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.precision=mixed_bfloat16", None),
        ("train.decay=cosine", None),
        ("FeatureExtractor.pitch_tracker=yin", None),
        ("Harmonic.inharmonic=false", ["'false' is not a value; expected False"]),
        ("train.precision=none", ["expected None"]),
        ("train.steps=many", ["'many' is neither a number nor text in quotes"]),
        ("n_harmonics=many", ["'many' is neither a number nor text in quotes"]),
        ("train.decay=cosine annealing", ["--set", "'cosine'"]),
        ("train.steps=1\nimport os", ["NAME=VALUE"]),
        ("=3", ["--set '=3'"]),
        ("a/b/c=3", ["no setting 'a/b/c'"]),
    ],
)
def test_text_without_quotes(override, words):
    if words is None:
        name, _, value = override.partition("=")
        assert f"{name} = '{value}'" in load_experiment("demo", [override]).text
        return
    message = message_of("demo", [override])
    for word in words:
        assert word in message

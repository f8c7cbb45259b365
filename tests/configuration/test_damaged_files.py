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
        (
            "include 'demo.gin'\na = %b\nb = %a\nn_harmonics = %a",
            ["; %a = %b = %a refers to itself"],
        ),
        ("Autoencoder.decoder = @Autoencoder()", [""]),
        ("include 'demo.gin'\nAutoencoder.decoder = 3", ["decoder=3; expected a Decoder"]),
        ("include 'demo.gin'\nAutoencoder.decoder = @Harmonic", ["expected a Decoder"]),
        ("include 'demo.gin'\nAutoencoder.decoder = @Harmonic()", ["expected a Decoder"]),
        ("include 'demo.gin'\nn_harmonics = 1e400", ["n_harmonics=inf", "a whole number"]),
        ("include 'demo.gin'\nn_harmonics = 'many'", ["n_harmonics='many'", "a whole number"]),
        ("include 'demo.gin'\nRnnDecoder.input_names = 'f0_hz'", ["expected a list in brackets"]),
        ("include 'demo.gin'\nReverb.length = 10**10", ["line 2"]),
        ("include 'demo.gin'\nReverb.length = 10000000000", ["more than 1073741824 weights"]),
        ("include 'demo.gin'\nRnnDecoder.rnn_channels = 10000000", ["more than", "in layer"]),
        ("", ["own.gin: Autoencoder.decoder is not set", "include 'demo.gin'"]),
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
        ("seed=3", ["--seed 3"]),
        ("train.seed=3", ["--seed 3"]),
        ("n_harmonics=%foo", ["--set 'n_harmonics=%foo': %foo is used but has no value"]),
        ("n_harmonics=@foo", ["--set 'n_harmonics=@foo': no class 'foo'; a class of your own"]),
        ("n_harmonics=@Harmonik()", ["no class 'Harmonik'; did you mean 'Harmonic'?"]),
        ("n_harmonics=None", ["--set n_harmonics=None (used in ", "expected a whole number"]),
        ("n_harmonics='8'", ["--set n_harmonics='8' (used in ", "expected a whole number"]),
        ("n_harmonics=2.5", ["--set n_harmonics=2.5 (used in ", "expected a whole number"]),
        ("n_harmonics=True", ["--set n_harmonics=True (used in ", "expected a whole number"]),
        ("n_bands=[1]", ["--set n_bands=[1] (used in ", "expected a whole number"]),
        ("Reverb.length='3'", ["--set Reverb.length='3'; expected a whole number"]),
        ("Reverb.length=1e10", ["--set Reverb.length=10000000000.0; expected a whole number"]),
        ("Harmonic.inharmonic=1", ["--set Harmonic.inharmonic=1; expected True or False"]),
        ("ProcessorGroup.nodes=[1]", ["--set ProcessorGroup.nodes=[1]; expected a list"]),
        ("RnnDecoder.input_names=[3]", ["--set RnnDecoder.input_names=[3]; expected text in"]),
        ("train.clip_seconds=1e-9", ["train.clip_seconds=1e-09; expected a number of 0.1 or more"]),
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


@pytest.mark.parametrize("value", ["'" + "x" * 3000 + "'", "9" * 5000, "9" * 3000, "z" * 3000])
def test_a_long_value_is_not_repeated_in_full(value):
    for name in ("train.steps", "train.decay", "n_harmonics", "no_such_setting"):
        assert len(message_of("demo", [f"{name}={value}"])) < 700


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("demo", [None]), "override None; expected text, such as 'train.steps=2000'"),
        (("demo", "train.steps=3"), r"overrides='train.steps=3' is text; expected a list such as"),
        ((None,), "configuration None; expected the path of a gin file, or a name"),
        (("demo", (), "1"), "seed '1': expected a whole number"),
        (("demo", (), 1, "my_module"), "imports='my_module' is text; expected a list"),
    ],
)
def test_arguments_of_another_kind(arguments, message):
    with pytest.raises(UserError, match=message):
        load_experiment(*arguments)


def test_values_of_the_declared_types_pass():
    values = [
        "frame_rate=100",
        "RnnDecoder.input_names=['f0_hz', 'loudness_db']",
        "Harmonic.initial_decay_db=3",
        "FilteredNoise.seed=None",
        "FeatureExtractor.pitch_tracker=@YinTracker()",
        "MultiScaleSpectralLoss.fft_sizes=[512, 64]",
    ]
    assert load_experiment(shipped_folder() / "demo.gin", values).model.frame_rate == 100

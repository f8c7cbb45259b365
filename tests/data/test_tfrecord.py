"""Records written without TensorFlow, read by TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf

from ddsp_tf.data.tfrecord import crc32c, encode_example, write_record


def slow_crc32c(content):
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 15, 16, 17, 33, 1000, 4096, 4097, 5000, 70001])
def test_checksum_is_that_of_the_definition(size, rng):
    content = rng.integers(0, 256, size, np.uint8).tobytes()
    assert crc32c(content) == slow_crc32c(content)


def test_checksum_of_zeros_counts_them():
    # RFC 3720, B.4: 32 bytes of zeros, 32 bytes of ones.
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(100_000)) == slow_crc32c(bytes(100_000))


@pytest.mark.parametrize("frames", [1, 40, 5000])
def test_tensorflow_reads_what_was_written(frames, rng, tmp_path):
    values = {
        "audio": rng.normal(size=frames * 3).astype("<f4").tobytes(),
        "f0_hz": rng.normal(size=frames).astype(np.float32),
        "source": "ä b.wav".encode(),
        "start_frame": 0,
        "hop": 2**40 + 3,
    }
    record, offsets = encode_example(values)
    assert (record, offsets) == encode_example(dict(reversed(values.items())))
    with open(tmp_path / "records", "wb") as file:
        sizes = [write_record(file, record) for _ in range(2)]
    assert (tmp_path / "records").stat().st_size == sum(sizes)
    first, second = tf.data.TFRecordDataset(str(tmp_path / "records")).as_numpy_iterator()
    assert first == second == record
    feature = tf.train.Example.FromString(first).features.feature
    assert feature["audio"].bytes_list.value[0] == values["audio"]
    np.testing.assert_array_equal(feature["f0_hz"].float_list.value, values["f0_hz"])
    assert feature["source"].bytes_list.value[0].decode() == "ä b.wav"
    assert feature["start_frame"].int64_list.value == [0]
    assert feature["hop"].int64_list.value == [2**40 + 3]
    for name, size in (("audio", 12 * frames), ("f0_hz", 4 * frames)):
        expected = values[name] if name == "audio" else values[name].tobytes()
        assert record[offsets[name] : offsets[name] + size] == expected


def test_tensorflow_notices_a_changed_byte(tmp_path):
    record, _ = encode_example({"audio": bytes(10_000)})
    with open(tmp_path / "records", "wb") as file:
        write_record(file, record)
    content = bytearray((tmp_path / "records").read_bytes())
    content[5000] ^= 1
    (tmp_path / "records").write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        list(tf.data.TFRecordDataset(str(tmp_path / "records")))

"""Recordings, and their segments in a dataset."""

from dataclasses import asdict, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Split = Literal["train", "validation"]
SPLITS: tuple[Split, Split] = ("train", "validation")
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, config=STRICT)
class Segment:
    """Consecutive frames of a recording, at most 20 s: one record of a TFRecord file.

    Attributes:
        start_frame: Number of the first frame in the recording.
        frames: Number of frames.
    """

    start_frame: Annotated[int, Field(ge=0)]
    frames: Annotated[int, Field(ge=1)]

    @property
    def end_frame(self) -> int:
        """Number of the frame after the last."""
        return self.start_frame + self.frames


@dataclass(frozen=True, config=STRICT)
class SegmentFile:
    """A TFRecord file with the segments of a recording in one split.

    Attributes:
        name: Name of the file inside its folder.
        source: Name of the recording.
        split: Split that the file belongs to, "train" or "validation".
        size_bytes: Size of the file.
        sha256: SHA-256 of the file.
        voiced_share: Share of the frames with a confidence of 0.5 or more.
        segments: Segments, in order of time.
    """

    name: Annotated[str, Field(pattern=r"^[0-9a-z-]+\.tfrecord$")]
    source: str
    split: Split
    size_bytes: int
    sha256: str
    voiced_share: float
    segments: Annotated[tuple[Segment, ...], Field(min_length=1)]

    @property
    def frames(self) -> int:
        """Number of frames in all segments."""
        return sum(segment.frames for segment in self.segments)


@dataclass(frozen=True, config=STRICT)
class Recording:
    """A file of the user and its state.

    Attributes:
        source: Path relative to the common folder of all recordings, with "/", as printable text.
        sha256: SHA-256 of the file, empty if it cannot be read.
        status: State of the recording: "found", "measured" (it is in the dataset) or "skipped".
        reason: Reason for skipping it.
        held_out: Whether it was given as validation data.
        key: Hash of everything that determines its measures.
        seconds: Duration of the file.
        kept_seconds: Duration of the part in the dataset.
        file_rate: Sample rate of the file, in Hz.
        channels: Number of channels in the file.
        gain_db: Gain that was applied.
        peak_db: Highest absolute sample of the file, in dB re full scale.
        mono_loss_db: Level of the channels relative to their mean, in dB.
        clipped_share: Share of samples in flat runs of three or more at full scale.
        silent_share: Share of frames below the rules' `silence_db`.
        voiced_share: Share of the frames with sound that have a confidence of 0.5 or more.
        confidence: Median confidence of the frames with sound.
        aperiodic_share: Share of the voiced frames with sound that do not repeat after one period
            of the measured pitch.
        f0_low_hz: Pitch below which 5 % of the voiced frames lie.
        f0_high_hz: Pitch below which 95 % of the voiced frames lie.
        flags: Sentences on what looks wrong; see `ddsp_tf.data.checks`.
        files: TFRecord files with its segments.
        path: Location of the file; not stored.
    """

    source: str
    sha256: str
    status: Literal["found", "measured", "skipped"]
    reason: str = ""
    held_out: bool = False
    key: str = ""
    seconds: float = 0.0
    kept_seconds: float = 0.0
    file_rate: int = 0
    channels: int = 0
    gain_db: float = 0.0
    peak_db: float = 0.0
    mono_loss_db: float = 0.0
    clipped_share: float = 0.0
    silent_share: float = 0.0
    voiced_share: float = 0.0
    confidence: float = 0.0
    aperiodic_share: float = 0.0
    f0_low_hz: float = 0.0
    f0_high_hz: float = 0.0
    flags: tuple[str, ...] = ()
    files: tuple[SegmentFile, ...] = ()
    path: Path | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Returns the entries that are stored."""
        content = asdict(self)
        del content["path"]
        return content

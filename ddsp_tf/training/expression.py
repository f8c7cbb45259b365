"""Learning a player's expression, the way notes are shaped, from the recordings of a run."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import keras

from ddsp_tf.backend.placement import has_accelerator, on_cpu
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.segments import read_segments
from ddsp_tf.errors import UserError
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.phrases import Phrase
from ddsp_tf.expression.recorded import NoNotesError, RecordedNotes
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.expression_files import read_expression, save_expression
from ddsp_tf.training.note_network import learn_player, new_note_network

# More notes do not fit better, and take longer to search.
_MOST_SECONDS = 3600.0
# Shorter runs are only trials, which need no network.
_LEAST_RUN_STEPS = 100


@contextlib.contextmanager
def expressions_learned(
    runs: Sequence[tuple[Sequence[Manifest], RunDirectory]],
) -> Iterator[keras.callbacks.Callback]:
    """Learns players' expressions in a thread, while a model is trained in the block.

    This takes a few seconds for an hour of recordings (only the first hour is used), and about ten
    to train the network, which runs of fewer than 100 steps omit. Files are written when the block
    ends and all is learned: a trained network is rebuilt for its file, which draws from generators
    that a training uses, too. If the block or the wait after it is stopped, unfinished work is
    dropped; without notes, there is no file.

    Args:
        runs: Datasets and run, with its record, for each expression that may be missing.

    Yields:
        Callback for the training. On a GPU, learning begins after its first step: while Keras
        traces the model, two threads would wait for each other. On a CPU it begins at once: steps
        use all processors, and tracing only one.
    """
    missing = [(manifests, run) for manifests, run in runs if not _is_learned(run)]
    begin, stopped = threading.Event(), threading.Event()
    if not has_accelerator():
        begin.set()
    # The thread does not see the distribution of the run, which belongs to another thread.
    with ThreadPoolExecutor(1) as thread:
        # Creating networks draws from Python's generators: this thread waits, for reproducible
        # runs.
        begun = [thread.submit(_Learning, *one).result() for one in missing]
        learned = []
        try:
            learned += [thread.submit(one.learn, begin, stopped) for one in begun]
            yield _AfterFirstStep(begin)
            begin.set()
            wait(learned)
        except BaseException:
            stopped.set()
            raise
        finally:
            begin.set()
            for one, future in zip(begun, learned, strict=False):
                # What stopped the block is raised, not what then fails in the thread.
                if stopped.is_set() and future.exception():
                    continue
                if future.result():
                    thread.submit(one.store).result()


class _AfterFirstStep(keras.callbacks.Callback):
    # Else Keras would wait for the logs of every step.
    async_safe = True

    def __init__(self, begin: threading.Event):
        super().__init__()
        self.begin = begin

    def on_train_batch_end(self, batch, logs=None):
        self.begin.set()


class _Learning:
    """The expression of one run, from its datasets to its file."""

    expression: RecordedNotes | LearnedExpression

    def __init__(self, manifests: Sequence[Manifest], run: RunDirectory):
        record = run.read()
        self.manifests, self.run = manifests, run
        self.frame_rate, self.seed = manifests[0].frame_rate, record["seed"]
        self.phrases: list[Phrase] = []
        self.network = None
        if record["steps"] >= _LEAST_RUN_STEPS:
            # On a GPU, launching the network's small operations would take as long.
            with on_cpu():
                self.network = new_note_network(self.seed)

    def learn(self, begin: threading.Event, stopped: threading.Event) -> bool:
        """Learns until stopped; returns whether there is something to store."""
        begin.wait()
        if stopped.is_set():
            return False
        for phrase in _phrases(self.manifests):
            self.phrases.append(phrase)
            if stopped.is_set():
                return False
        try:
            # If there is nothing to learn from, this fails before a network is trained.
            self.expression = RecordedNotes.learn(self.phrases, self.frame_rate)
        except NoNotesError:  # Recordings of noise, for example.
            return False
        if self.network is None:
            return True
        given = (self.network, self.phrases, self.frame_rate, self.seed)
        with on_cpu():
            return learn_player(*given, is_stopped=stopped.is_set)

    def store(self) -> None:
        """Writes the file."""
        if self.network is not None:
            with on_cpu():
                self.expression = LearnedExpression.of(self.network, self.phrases, self.frame_rate)
        save_expression(self.run.expression, self.expression)


def _is_learned(run: RunDirectory) -> bool:
    """Whether the run has its expression, with a network unless it is a trial."""
    steps = run.read()["steps"]
    with contextlib.suppress(UserError):  # A damaged one is learned again.
        return run.expression.exists() and (
            isinstance(read_expression(run.expression), LearnedExpression)
            or steps < _LEAST_RUN_STEPS
        )
    return False


def _phrases(manifests: Sequence[Manifest]) -> Iterator[Phrase]:
    seconds = 0.0
    for manifest in manifests:
        for file in manifest.files_of("train"):
            for _, arrays in read_segments(manifest, file):
                if seconds > _MOST_SECONDS:
                    return
                seconds += len(arrays["f0_hz"]) / manifest.frame_rate
                yield Phrase.of(arrays, manifest.frame_rate, arrays["audio"], manifest.sample_rate)

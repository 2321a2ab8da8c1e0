"""Reads words with a model folder's ONNX files, without Keras or TensorFlow."""

import numpy as np

from models.calibration import Calibration
from models.character_counts import character_counts
from models.model_spec import ModelSpec
from predictors.ctc_prefix import LOG_ZERO, CtcPrefix, ctc_forward
from predictors.onnx.graph_check import check_graph
from predictors.word_predictor import GREEDY, WordPredictor
from preprocessing.tokenizer import END, PAD, START
from utils.config.predict import PredictConfig
from utils.errors import UserError, shorten
from utils.system import is_out_of_memory, usable_cores

# Pixels of width, all words together. Their feature maps fit the processor's cache: twice as fast as 256 words, and the
# memory does not depend on how wide the widest words of a dataset are.
WIDTH_AT_ONCE = 4096
# The encoder's output that only CTC reads.
COLUMNS = "columns"

try:
    import onnxruntime
except ImportError:  # Only this runtime needs it.
    onnxruntime = None


class PredictorOnnx(WordPredictor):
    """Greedy reading on ONNX Runtime, on the CPU: the encoder once, then the decoder step by step.

    `encoder` and `decoder` are the contents of the files that `--export` writes (`exporters/`) for the model of `spec`;
    the CTC head has its share of the log probability, as in `predictors/joint_scorer.py`. Raises UnusableGraph if ONNX
    Runtime can't load a file, or one holds what no export writes; UserError if ONNX Runtime is not installed.
    """

    def __init__(
        self,
        encoder: bytes,
        decoder: bytes,
        spec: ModelSpec,
        settings: PredictConfig = GREEDY,
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__(spec, settings, calibration)
        self.encoder = _session(encoder, "encoder")
        self.step = _session(decoder, "decoder")
        self.carried = [node.name for node in self.encoder.get_outputs()]
        self.ctc_weight = settings.ctc_weight if COLUMNS in self.carried else 0.0
        self.located = spec.network.attention == "located"
        self.prefix = CtcPrefix(np, ctc_forward)
        self.refused = spec.tokenizer.refused_ids(settings.characters) if settings.characters else None
        self.states = [name for name in self.carried if name.startswith("state_")]

    def decode(self, image: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            return self._decode(image, width)
        except Exception as error:
            # A graph that loads can still be of another network, or a stranger's that no network has.
            if is_out_of_memory(error):
                raise
            raise UserError(f"The model's ONNX files don't work: {shorten(error)}; export it again.") from None

    def column_probabilities(self, image: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Returns the CTC head's probabilities (B, S, V) float32 of a batch as that of `decode`, PAD being the blank.

        Raises UserError if the model has no such head.
        """
        encoded = self._encode(image, width)
        if COLUMNS not in encoded:
            raise UserError("The model has no CTC head (network.ctc_weight), which finds the letters.")
        return encoded[COLUMNS]

    def _decode(self, image: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        carried = self._encode(image, width)
        columns = carried.pop(COLUMNS, None)
        if self.located:
            carried["counts"] = character_counts(columns, np)
        shape = (len(image), self.spec.network.max_seq_length)
        ids, log_probability = np.full(shape, PAD, np.int32), np.zeros(shape, np.float32)
        # The words in the decoder: their rows in the results, and which of them haven't ended.
        rows, running = np.arange(shape[0]), np.ones(shape[0], bool)
        last = np.full(shape[0], START, np.int32)
        paths = self.prefix.start(columns, last) if self.ctc_weight else []
        for step in range(shape[1]):
            scores, paths = self._step(step, last, carried, columns, paths)
            # No label is longer, so the last step writes END, with the probability it has.
            last = scores.argmax(axis=1).astype(np.int32) if step < shape[1] - 1 else np.full(len(rows), END)
            score = np.take_along_axis(scores, last[:, None], axis=1)[:, 0]
            ids[rows[running], step] = last[running]
            log_probability[rows[running], step] = score[running]
            running &= last != END
            left = np.count_nonzero(running)
            if not left:
                break
            # Moving the unfinished words together costs about as much as a step of them.
            if 2 * left <= len(rows):
                carried = {name: value[running] for name, value in carried.items()}
                columns = columns[running] if columns is not None else None
                paths = [value[running] for value in paths]
                rows, last, running = rows[running], last[running], np.ones(left, bool)
        return ids, log_probability

    def _encode(self, image: np.ndarray, width: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the encoder's outputs of all words by their names, computed in parts that fit the cache."""
        parts: list[list[np.ndarray]] = []
        words = max(1, WIDTH_AT_ONCE // image.shape[2])
        for start in range(0, len(image), words):
            part = slice(start, start + words)
            fed = {"image": np.ascontiguousarray(image[part, :, : width[part].max()]), "width": width[part]}
            parts.append(self.encoder.run(self.carried, fed))
        return {name: _concatenate(name, [part[i] for part in parts]) for i, name in enumerate(self.carried)}

    def _step(
        self, step: int, last: np.ndarray, carried: dict[str, np.ndarray], columns: np.ndarray | None, paths: list
    ) -> tuple[np.ndarray, list]:
        """Returns the log probability (rows, V) of each next id, and CTC's new states; `carried` gets the decoder's."""
        outputs = ["log_probability", *(f"new_{name}" for name in self.states)]
        located = {"step": np.array([step], np.float32)} if self.located else {}
        scores, *states = self.step.run(outputs, {"ids": last, **located, **carried})
        carried.update(zip(self.states, states))
        if self.ctc_weight:
            by_column, paths = self.prefix.step(columns, paths, last)
            scores = (1 - self.ctc_weight) * scores + self.ctc_weight * by_column
        if self.refused is not None:
            scores = np.where(self.refused, np.float32(LOG_ZERO), scores)
            scores = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return scores, paths


def _concatenate(name: str, parts: list[np.ndarray]) -> np.ndarray:
    """Joins an output of several parts, each padded to the most columns: they are blank and not valid."""
    if name.startswith("state_"):
        return np.concatenate(parts)
    axis = 2 if name == "keys" else 1
    padded, most = [], max(part.shape[axis] for part in parts)
    for part in parts:
        missing = [(0, most - part.shape[axis]) if i == axis else (0, 0) for i in range(part.ndim)]
        padded.append(np.pad(part, missing))
        if name == COLUMNS:
            padded[-1][:, part.shape[axis] :, PAD] = 1
    return np.concatenate(padded)


class UnusableGraph(UserError):
    """ONNX Runtime can't or must not load a file; the message is a sentence without its end."""


def _session(content: bytes, part: str) -> "onnxruntime.InferenceSession":
    if onnxruntime is None:
        raise UserError(
            "predict.runtime onnx needs ONNX Runtime; install it with `pip install onnxruntime`, "
            "or set predict.runtime=keras."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.log_severity_level = 4
    # Two sessions take turns: threads of the one must not keep the cores busy while the other works.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # It would take a file whose producer is called so for its own format, which has not been checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        check_graph(content)
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except ValueError as error:
        raise UnusableGraph(f"The ONNX {part} can't be used ({shorten(error)})") from None
    except Exception as error:
        # ONNX Runtime has a class of its own for every cause, all derived from Exception alone.
        raise UnusableGraph(f"ONNX Runtime can't load the {part} ({shorten(error)})") from None

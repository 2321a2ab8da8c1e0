"""Pictures for TensorBoard: some validation words as they are read, and where the network looks."""

import io
import time
from pathlib import Path

import keras
from PIL import Image

from callbacks.averaging import averaged_weights
from callbacks.evaluation_model import EvaluationModel
from callbacks.validation import spread
from data_generators.dataset import Dataset
from models.precision import precision_scope
from predictors.predictor_seq2seq import PredictorSeq2Seq
from predictors.report.attention import attention_of
from tools.draw_predictions import draw_words
from utils.draw_attention import draw_attention
from utils.files import atomic_write

WORDS = 16
ATTENTION_WORDS = 6


class SampleWords(keras.callbacks.Callback):
    """After each epoch, writes pictures of the same few validation words, read by the averaged weights.

    They are the run `words` of the logs: `predictions`, and `attention/1`, ... for networks with attention.

    Args:
        folder: of the logs.
        dataset: validation words, from which some are taken at equal distances.
        evaluated: whose network the predictor reads with; None: the trained one.
    """

    def __init__(
        self,
        folder: Path,
        predictor: PredictorSeq2Seq,
        dataset: Dataset,
        evaluation_model: EvaluationModel | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder / "words"
        self.predictor = predictor
        self.evaluation_model = evaluation_model
        self.dataset = spread(dataset, WORDS)

    def on_epoch_end(self, epoch, logs=None):
        model = self.predictor.model
        images = [self.dataset.image(i) for i in range(len(self.dataset))]
        latest = self.evaluation_model.latest() if self.evaluation_model else averaged_weights(self.model)
        with precision_scope("float32"), latest:
            texts = [prediction.text for prediction in self.predictor.predict_dataset(self.dataset)]
            weights = attention_of(model, images[:ATTENTION_WORDS], texts[:ATTENTION_WORDS])
        labels = [word.label for word in self.dataset.words]
        pictures = {"predictions": draw_words([Image.fromarray(image) for image in images], texts, labels)}
        for number, (image, text, rows) in enumerate(zip(images, texts, weights), start=1):
            if rows is not None:
                pictures[f"attention/{number}"] = draw_attention(image, text, rows, model.column_stride)
        write_pictures(self.folder, epoch, pictures)


def write_pictures(folder: Path, step: int, pictures: dict[str, Image.Image]) -> None:
    """Writes an event file of TensorBoard with some pictures; whole or not at all, on any backend of Keras.

    Raises:
        UserError: the folder can't be written.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    now = time.time()
    values = [
        Summary.Value(
            tag=tag,
            image=Summary.Image(
                height=picture.height, width=picture.width, colorspace=3, encoded_image_string=_png(picture)
            ),
        )
        for tag, picture in pictures.items()
    ]
    events = (
        Event(wall_time=now, file_version="brain.Event:2"),
        Event(wall_time=now, step=step, summary=Summary(value=values)),
    )
    # TensorBoard reads the files of a folder in the order of their names.
    path = folder / f"events.out.tfevents.{int(now):010d}.{step:06d}"
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())
        writer.flush()


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()

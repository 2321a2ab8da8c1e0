"""The attention of a network while it writes a word."""

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from models.model_seq2seq import ModelSeq2Seq
from preprocessing.batch import pad_images
from utils.errors import UserError


class AttentionReader(keras.Model):
    """Encoder and teacher-forced attention in one graph.

    Shape: image (B, H, W, C) uint8, width (B,) int32, ids (B, T) int32 -> weights (B, T, S) float32
    """

    def __init__(self, model: ModelSeq2Seq) -> None:
        super().__init__(name="attention_reader")
        self.encoder = model.encoder
        # Attributes, so that Keras tracks their weights.
        self.decoder, self.ctc_head = model.decoder, model.ctc_head
        self.counts = model.counts

    def call(self, inputs):
        memory, valid, state_h, state_c = self.encoder([inputs["image"], inputs["width"]], training=False)
        return self.decoder.attention_weights(
            inputs["ids"], memory, valid, state_h, state_c, self.counts(memory, valid)
        )


def read_attention(
    model: ModelSeq2Seq,
    image: Callable[[int], np.ndarray],
    widths: Sequence[int],
    texts: Sequence[str],
    batch_size: int,
) -> Iterator[tuple[int, np.ndarray]]:
    """Returns the attention of the network while it writes `texts[i]` on the word image `image(i)`.

    Args:
        image: a word image in the network's geometry, by its index in `texts`.
        widths: of the images, in pixels.
        texts: fed to the decoder in place of its own output.

    Yields:
        i and float32 (characters + 1, columns): the weights over the image's own columns, left to right, for each
        character and for the end. Nothing for a network without attention, and for texts with characters outside the
        charset (such as letters that NFC has joined).
    """
    if model.network.attention == "none":
        return
    reader = AttentionReader(model)
    encoded = {i: ids for i, text in enumerate(texts) if (ids := _encode(model, text)) is not None}
    # One length for all batches: fewer shapes to compile for.
    length = max(map(len, encoded.values()), default=0) + 1
    # Words of one batch should be of one width, as everywhere.
    order = sorted(encoded, key=lambda i: (widths[i], i))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield from zip(chosen, _run(reader, model, [image(i) for i in chosen], [texts[i] for i in chosen], length))


def _run(
    reader: AttentionReader, model: ModelSeq2Seq, images: Sequence[np.ndarray], texts: Sequence[str], length: int
) -> Iterator[np.ndarray]:
    """Returns the weights of each word of a batch over its own columns; `length` steps are computed."""
    image, width = pad_images(images, model.column_stride)
    written, _ = model.tokenizer.encode_batch(texts, length)
    weights = reader.predict_on_batch({"image": image, "width": width, "ids": written})
    # With `columns: flatten` a column has several positions, whose weights are added.
    by_column = weights.reshape(*weights.shape[:2], -1, image.shape[2] // model.column_stride).sum(2)
    for row, (picture, text) in enumerate(zip(images, texts)):
        columns = -(-picture.shape[1] // model.column_stride)
        ids = model.tokenizer.encode(text)
        yield by_column[row, [*model.tokenizer.reading_order(ids), len(ids)], :columns]


def _encode(model: ModelSeq2Seq, text: str) -> list[int] | None:
    try:
        return model.tokenizer.encode(text)
    except UserError:
        return None

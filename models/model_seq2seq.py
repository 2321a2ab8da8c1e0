"""CNN -> LSTM encoder -> LSTM decoder."""

import keras

from base.base_model import BaseModel
from models.ctc import CharacterCounts, CtcHead
from models.decoder import Decoder
from models.encoder import build_encoder
from models.losses import CharacterCrossEntropy, CtcLoss
from models.model_spec import ModelSpec


class ModelSeq2Seq(BaseModel):
    """The sequence-to-sequence network and its parts.

    Attributes:
        encoder: run once per word (`models/encoder.py`).
        decoder: run over the target in training, step by step in decoding (`models/decoder.py`).
        ctc_head: logits per column for the joint CTC loss (`models/ctc.py`); None without that loss.
        keras_model: encoder and decoder, teacher-forced: {image (B, H, W, C), width (B,), decoder_input (B, T)} ->
            logits (B, T, vocabulary) or, with a joint CTC loss, a dictionary of two logits.
        column_stride: pixels of image width per encoder column.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.image, self.network, self.tokenizer = spec.image, spec.network, spec.tokenizer
        self.column_stride = spec.column_stride
        super().__init__()

    def build_model(self) -> keras.Model:
        self.encoder = build_encoder(self.image, self.network)
        self.decoder = Decoder(self.network, self.tokenizer.vocabulary_size, name="decoder")
        picture, width = self.encoder.inputs
        length = self.network.max_seq_length if self.network.fixed_seq_length else None
        decoder_input = keras.Input((length,), dtype="int32", name="decoder_input")
        memory, mask, state_h, state_c = self.encoder([picture, width])
        self.ctc_head = CtcHead(self.tokenizer.vocabulary_size, name="ctc") if self.network.ctc_weight else None
        columns = self.ctc_head(memory, mask) if self.ctc_head else None
        self.locate = CharacterCounts(name="counts") if self.network.attention == "located" else None
        counts = self.locate(columns) if self.locate else None
        outputs = self.decoder(decoder_input, memory, mask, state_h, state_c, counts)
        if self.ctc_head:
            outputs = {"characters": outputs, "columns": columns}
        inputs = {"image": picture, "width": width, "decoder_input": decoder_input}
        return keras.Model(inputs, outputs, name="seq2seq")

    def counts(self, memory, valid):
        """Returns the characters before each column (B, S) for the decoder's `counts`; None unless it is located."""
        return self.locate(self.ctc_head(memory, valid)) if self.locate else None

    def compile(self, optimizer: keras.optimizers.Optimizer, label_smoothing: float = 0.0) -> None:
        """Sets optimizer and loss: cross-entropy of the characters, with `ctc_weight` also the CTC loss."""
        loss, weight = CharacterCrossEntropy(label_smoothing), self.network.ctc_weight
        if not weight:
            self.keras_model.compile(optimizer, loss=loss)
            return
        losses = {"characters": loss, "columns": CtcLoss()}
        weights = {"characters": 1 - weight, "columns": weight}
        self.keras_model.compile(optimizer, loss=losses, loss_weights=weights)

"""Config section `network`: convolutions, encoder, attention and decoder."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from utils.config.section import Fraction, Section, Share, Size, SizeOrZero, key, refuse

Pair = Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=2, max_length=2)]
PER_BLOCK = ("conv_kernels", "strides", "pooling", "residual", "use_batch_norm")


class NetworkConfig(Section):
    """The network; a model keeps these settings. Lists of blocks have an entry per convolution block."""

    num_filters: list[Size] = key([24, 48, 112, 176], "filters of each convolution block", min_length=1, max_length=100)
    conv_kernels: list[Pair] = key([[5, 5], [3, 3], [3, 3], [3, 3]], "kernel [height, width] of each block")
    strides: list[Pair] | None = key(
        [[2, 2], [1, 1], [1, 1], [1, 1]], "step [height, width] of each block's convolution; null: [1, 1] everywhere"
    )
    pooling: list[Pair] | None = key(
        [[1, 1], [2, 2], [2, 1], [2, 1]], "max pooling [height, width] after each block; null: [2, 2] everywhere"
    )
    residual: list[Annotated[int, Field(ge=0, le=100)]] | None = key(
        None,
        "residual 3x3 double convolutions added to each block before its pooling; null: none; a network can start from "
        "a model that has fewer",
    )
    use_batch_norm: bool | list[bool] = key([False, True, True, True], "batch normalisation, for all blocks or each")
    conv_dropout: Fraction = key(0.0, "dropout on whole feature maps of the last block")
    hidden_columns: Fraction = key(
        0.0, "share of the columns that the encoder does not see in training, in spans as wide as a letter"
    )
    columns: Literal["flatten", "height"] = key(
        "height", "height: each column is a step, its rows stacked; flatten: each position is a step, row by row"
    )
    column_dim: SizeOrZero = key(256, "size to which each column is projected before the encoder; 0: not projected")
    encoder_dim: SizeOrZero = key(160, "units of each encoder LSTM and direction; 0: latent_dim")
    encoder_layers: Annotated[int, Field(ge=1, le=100)] = key(2, "number of stacked encoder LSTMs")
    bidirectional: bool = key(True, "read the columns in both directions")
    latent_dim: Size = key(256, "units of the decoder LSTM")
    decoder_layers: Literal[1, 2] = key(1, "2: a second LSTM reads the attention's output; needs attention")
    attention: Literal["none", "luong", "located"] = key(
        "luong",
        "luong: attention over the columns; located: near the place where CTC has counted as many characters, for "
        "lines; none: plain seq2seq",
    )
    embedding_dim: SizeOrZero = key(64, "size of the character embedding of the decoder; 0: one-hot")
    dropout: Fraction = key(0.1, "dropout before encoder, decoder and output")
    ctc_weight: Share = key(0.3, "weight of a joint CTC loss on the encoder's columns; 0: none")
    charset: str | None = key(
        None, "characters the model can write; null: those of the pretrained model, else of the labels", min_length=1
    )
    max_seq_length: Annotated[int, Field(ge=2, le=65_536)] = key(32, "longest label plus one, for the end token")
    fixed_seq_length: bool = key(False, "pad every target to max_seq_length instead of to the batch's longest")

    @model_validator(mode="after")
    def _layers_fit(self) -> "NetworkConfig":
        blocks, problems = len(self.num_filters), []
        for name in PER_BLOCK:
            value = getattr(self, name)
            if isinstance(value, list) and len(value) != blocks:
                problems.append(f"{name} has {len(value)} entries, but num_filters has {blocks}: give one per block")
        if self.decoder_layers == 2 and self.attention == "none":
            problems.append("decoder_layers 2 needs attention luong, whose output its second LSTM reads")
        if self.attention == "located" and not self.ctc_weight:
            problems.append("attention located needs ctc_weight above 0, for CTC counts the characters")
        if self.columns == "flatten" and self.ctc_weight:
            problems.append("ctc_weight needs columns height, for CTC reads columns from left to right")
        refuse(problems)
        return self

    @property
    def steps(self) -> list[list[int]]:
        """Convolution step [height, width] of each block."""
        return self.strides or [[1, 1]] * len(self.num_filters)

    @property
    def residual_units(self) -> list[int]:
        """Residual units of each block."""
        return self.residual or [0] * len(self.num_filters)

    @property
    def encoder_units(self) -> int:
        """Units of each encoder LSTM and direction."""
        return self.encoder_dim or self.latent_dim

    @property
    def normalized(self) -> list[bool]:
        """Whether each block has batch norm."""
        wanted = self.use_batch_norm
        return wanted if isinstance(wanted, list) else [wanted] * len(self.num_filters)

    @property
    def pools(self) -> list[list[int]]:
        """Pooling [height, width] of each block."""
        return self.pooling or [[2, 2]] * len(self.num_filters)

    @property
    def column_stride(self) -> int:
        """Pixels of image width per encoder column."""
        return math.prod(size_x for _, size_x in self.steps + self.pools)

"""Config sections about reading: decoder, runtime, lexicon, export."""

from typing import Literal

from pydantic import model_validator

from utils.config.data import PositiveInt, Real, Section, Share, key


class LexiconConfig(Section):
    """The words that decoder lexicon prefers."""

    file: str | None = key(
        None, "list of words, `word` or `word<TAB>frequency` a line; null: 100,000 English words"
    )
    weight: Real = key(0.6, "weight of the logarithm of a text's probability as a word", ge=0)
    oov_penalty: Real = key(
        12.0, "minus the log probability of all words that are not in the list; more: fewer of them", ge=0
    )


class ExportConfig(Section):
    """What `--export` makes of a model."""

    int8: bool = key(False, "round the convolutions to 8-bit integers: faster, if not as exact")
    largest_loss: Real = key(0.002, "most that int8 may add to the CER on the validation words", ge=0)


class PredictConfig(Section):
    graph_file: str | None = key(
        None, "accepted for the seed project's files; the model folder holds the graph"
    )
    weights_file: str | None = key(
        None, "model folder to use while this experiment has trained none of its own"
    )
    batch_size: PositiveInt = key(256, "words per decoding batch")
    runtime: Literal["auto", "onnx", "keras"] = key(
        "auto",
        "what runs the network; auto: ONNX Runtime if decoder is greedy and the model folder has ONNX files "
        "(see --export)",
    )
    decoder: Literal["greedy", "beam", "lexicon"] = key(
        "greedy",
        "greedy: the best character at each step; beam: the best text; lexicon: beam preferring known words",
    )
    beam_width: PositiveInt = key(16, "hypotheses that beam and lexicon keep per word")
    length_penalty: Real = key(
        0.3, "beam and lexicon rank by log p / length^this; 0: by probability, more: longer texts", ge=0
    )
    ctc_weight: Share = key(
        0.3, "share of the CTC head's log p in decoding, where the network was trained with one"
    )
    n_best: PositiveInt = key(1, "readings of each word to give with beam or lexicon, best first")
    views: int = key(
        1,
        "shapes in which a doubtful word is read (as it is, slanted, zoomed); the text that they agree on "
        "most is given (test-time augmentation)",
        ge=1,
        le=5,
    )
    views_below: Share = key(
        0.4, "with views: the confidence, before calibration, below which a word is doubtful; 1: all words"
    )
    lexicon: LexiconConfig = LexiconConfig()

    @model_validator(mode="after")
    def _enough_hypotheses(self) -> "PredictConfig":
        if self.n_best > 1 and self.decoder == "greedy":
            raise ValueError(f"n_best {self.n_best} needs decoder beam or lexicon: greedy finds one reading")
        if self.n_best > self.beam_width:
            raise ValueError(f"n_best {self.n_best} needs a beam_width as large, not {self.beam_width}")
        return self

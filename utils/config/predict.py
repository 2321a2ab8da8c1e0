"""Config section `predict`: model, runtime and decoder."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from utils.config.section import NotNegative, PositiveInt, Section, Share, key, refuse


class LexiconConfig(Section):
    """The words that decoder lexicon prefers."""

    file: str | None = key(None, "list of words, `word` or `word<TAB>frequency` a line; null: 100,000 English words")
    weight: NotNegative = key(0.6, "weight of the logarithm of a text's probability as a word")
    oov_penalty: NotNegative = key(12.0, "minus the log probability of all words not in the list; more: fewer of them")


class PredictConfig(Section):
    """Model, runtime and decoder of all jobs but training."""

    weights_file: str | None = key(None, "model folder to use while this experiment has trained none of its own")
    batch_size: PositiveInt = key(256, "words per decoding batch")
    runtime: Literal["auto", "onnx", "keras"] = key(
        "auto", "what runs the network; auto: ONNX Runtime if decoder is greedy and the model has ONNX files (--export)"
    )
    decoder: Literal["greedy", "beam", "lexicon"] = key(
        "greedy", "greedy: the best character at each step; beam: the best text; lexicon: beam preferring known words"
    )
    beam_width: PositiveInt = key(16, "hypotheses that beam and lexicon keep per word")
    length_penalty: NotNegative = key(0.3, "beam and lexicon rank by log p / length^this; 0: by p, more: longer texts")
    ctc_weight: Share = key(0.3, "share of the CTC head's log p in decoding, where the network was trained with one")
    characters: Annotated[str, Field(min_length=1)] | None = key(
        None, "the only characters that may be written, such as those of numbers; null: all that the model knows"
    )
    n_best: PositiveInt = key(
        1, "texts of each word to give, best first: those of beam or lexicon, or those of an unsure word's views"
    )
    views: Annotated[int, Field(ge=1, le=7)] = key(
        1,
        "variants of an unsure word (unchanged, slanted, zoomed, sharpened) that vote on its text (test-time "
        "augmentation)",
    )
    views_below: Share = key(
        0.4,
        "with views: a word is unsure below this uncalibrated confidence (of a text longer than 24 characters, that "
        "of 24 of them); 1: all words",
    )
    turn_below: Share = key(
        0.5,
        "confidence, as for views_below, below which a word is tried upside down, the least sure first until none of "
        "eight gains, and turned if that reading is far surer, or if many words of its batch are upside down; 0: never",
    )
    lexicon: LexiconConfig = LexiconConfig()

    @model_validator(mode="after")
    def _enough_hypotheses(self) -> "PredictConfig":
        problems = []
        if self.n_best > 1 and self.decoder == "greedy" and self.views == 1:
            problems.append(f"n_best {self.n_best} needs decoder beam or lexicon, or views: greedy finds one text")
        if self.n_best > self.beam_width and self.decoder != "greedy":
            problems.append(f"n_best {self.n_best} needs a beam_width as large, not {self.beam_width}")
        refuse(problems)
        return self

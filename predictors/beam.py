"""Beam search: the most probable texts as a whole, in one compiled loop."""

import keras
from keras import ops

from models.model_seq2seq import ModelSeq2Seq
from predictors.ctc_prefix import LOG_ZERO
from predictors.joint_scorer import JointScorer
from preprocessing.tokenizer import END, PAD, START
from utils.config.predict import PredictConfig


class BeamDecoder(keras.Model):
    """Decodes an image batch into the best texts of each word, as character ids.

    A hypothesis that ends among the `beam_width` best of its step is finished; the `beam_width` best unfinished
    ones are continued, so that finished ones take no place from them. Texts are ranked by log p / length^alpha (Wu
    et al. 2016, arXiv:1609.08144, eq. 14, with plain lengths); the length counts the characters and the end, and
    alpha 0 ranks by probability. A word is done when none of its unfinished hypotheses can still come among its
    best texts; the loop ends with the last word.

    With `beam_width` 1 and alpha 0 (`length_penalty`) the result is that of greedy decoding; with as many hypotheses as
    there are texts it is the best text of all.

    Args:
        settings: `beam_width`, `n_best`, `length_penalty` (alpha), `ctc_weight` and `characters` are used.
        scorer: adds the log p that a lexicon gives growing texts (`predictors/lexicon/scorer.py`).

    Shape: image (B, H, W, C) uint8, width (B,) int32 ->
        ids (B, n_best, max_length) int32, best first, PAD after END and where there are no more texts;
        log_probability (B, n_best, max_length) float32, 0 where ids is PAD;
        rank (B, n_best) float32, log p / length^alpha without the scorer's part, -1e9 where there is no text
    """

    def __init__(self, model: ModelSeq2Seq, settings: PredictConfig, scorer: keras.layers.Layer | None = None) -> None:
        super().__init__(name="beam_decoder")
        self.encoder = model.encoder
        self.next_characters = JointScorer(model, settings.ctc_weight, settings.characters)
        # Attributes, so that Keras tracks their weights; JAX would keep those of the compilation.
        self.decoder, self.ctc_head = model.decoder, model.ctc_head
        self.max_length = model.network.max_seq_length
        self.width, self.n_best = settings.beam_width, settings.n_best
        self.length_penalty = settings.length_penalty
        self.scorer = scorer
        # Texts are ranked again without the scorer, so none may be cut off before.
        self.pool = self.width if scorer else self.n_best

    def call(self, inputs):
        memory, valid, state_h, state_c = self.encoder([inputs["image"], inputs["width"]], training=False)
        ids, scores = self._search(memory, valid, state_h, state_c)
        total = ops.sum(scores, axis=-1)
        length = ops.maximum(ops.sum(ops.cast(ids != PAD, "int32"), axis=-1), 1)
        rank = ops.where(ids[..., 0] == PAD, LOG_ZERO, total / self._divisor(length))
        rank, best = ops.top_k(rank, self.n_best)
        return _choose(ids, best), _choose(scores, best), rank

    def _search(self, memory, valid, state_h, state_c):
        """Returns ids and log probabilities (B, pool, max_length) of the best finished texts."""
        start = ops.zeros_like(state_h[:, 0], dtype="int32") + START
        constants, states = self.next_characters.start(memory, valid, state_h, state_c, start)
        columns = ops.arange(self.max_length, dtype="int32")[None, None, :]

        def unfinished(step, last, node, total, ahead, ids, scores, rank, *rest):
            # Longer texts only lose probability, so this is the best that unfinished ones can come to.
            hope = ops.max(ahead, axis=1) / self._divisor(self.max_length)
            return ops.logical_and(step < self.max_length, ops.any(hope > rank[:, -1]))

        def advance(step, last, node, total, ahead, ids, scores, rank, done_ids, done_scores, *states):
            new, states = self.next_characters(ops.reshape(last, (-1,)), list(states), constants, step)
            new = self._by_word(new)
            ahead, total, score, token, parent, node = self._extend(total, new, node, step)
            here = ops.equal(columns, step)
            ids = ops.where(here, token[..., None], _choose(ids, parent))
            scores = ops.where(here, score[..., None], _choose(scores, parent))
            rank, best = self._finish(rank, ahead, token, step)
            done_ids = _choose(ops.concatenate([done_ids, ids], axis=1), best)
            done_scores = _choose(ops.concatenate([done_scores, scores], axis=1), best)
            ahead, on = ops.top_k(ops.where(ops.equal(token, END), LOG_ZERO, ahead), self.width)
            token, node, total, ids, scores = (_choose(v, on) for v in (token, node, total, ids, scores))
            # Where texts are fewer than hypotheses, ended ones are chosen, too: they must not be continued.
            total = ops.where(ahead > LOG_ZERO / 2, total, LOG_ZERO)
            parent = _choose(parent, on)
            states = [ops.reshape(_choose(self._by_word(s), parent), ops.shape(s)) for s in states]
            return step + 1, token, node, total, ahead, ids, scores, rank, done_ids, done_scores, *states

        states = [ops.repeat(state, self.width, axis=0) for state in states]
        loop = (*self._begin(state_h[:, :1], columns), *states)
        rank, ids, scores = ops.while_loop(unfinished, advance, loop)[7:10]
        real = rank[..., None] > LOG_ZERO / 2
        return ops.where(real, ids, PAD), ops.where(real, scores, 0.0)

    def _begin(self, one, columns):
        """Returns the loop's values before its first step; `one`, any (B, 1), gives them the batch size."""
        zeros = ops.zeros_like(one, dtype="int32")[..., None] + ops.zeros_like(columns)
        ids, done_ids = ops.tile(zeros, (1, self.width, 1)), ops.tile(zeros, (1, self.pool, 1))
        scores, done_scores = ops.cast(ids, "float32"), ops.cast(done_ids, "float32")
        node = self.scorer.start(ids[..., 0]) if self.scorer else ids[..., 0]
        # All hypotheses would start alike, so only the first one is possible.
        total = scores[..., 0] + ops.where(ops.arange(self.width)[None, :] == 0, 0.0, LOG_ZERO)
        step = ops.convert_to_tensor(0, "int32")
        rank = done_scores[..., 0] + LOG_ZERO
        return (step, ids[..., 0] + START, node, total, total, ids, scores, rank, done_ids, done_scores)

    def _extend(self, total, new, node, step):
        """Returns the best continuations, twice as many as are continued, since half of them may be ends.

        Args:
            total: (B, width) log probability so far; new (B, width, V) log probability of each next id; node (B, width,
                ...) the scorer's state.

        Returns:
            (B, 2 * width) each: log probability so far with and without the scorer's part, that of the new id, the id,
            the continued row, the scorer's new state.
        """
        size = new.shape[-1]
        total = total[..., None] + new
        bonus = self.scorer(node, step) if self.scorer else 0.0
        every = [ops.reshape(v, (-1, self.width * size)) for v in (total + bonus, total, new)]
        ahead, index = ops.top_k(every[0], 2 * self.width)
        total, score = (ops.take_along_axis(values, index, axis=1) for values in every[1:])
        token, parent = index % size, index // size
        node = _choose(node, parent)
        return ahead, total, score, token, parent, self.scorer.advance(node, token, step) if self.scorer else node

    def _finish(self, rank, ahead, token, step):
        """Returns the highest ranks among texts finished before and now, and where in both of them they are."""
        ends = ops.logical_and(ops.equal(token, END), ahead > LOG_ZERO / 2)
        ends = ops.logical_and(ends, ops.arange(2 * self.width)[None, :] < self.width)
        new = ops.where(ends, ahead / self._divisor(step + 1), LOG_ZERO)
        return ops.top_k(ops.concatenate([rank, new], axis=1), self.pool)

    def _divisor(self, length):
        return ops.power(ops.cast(length, "float32"), self.length_penalty)

    def _by_word(self, rows):
        """Reshapes (B * width, size) to (B, width, size)."""
        # CTC's states are as wide as the image.
        return ops.reshape(rows, (-1, self.width, rows.shape[-1] or ops.shape(rows)[-1]))


def _choose(values, rows):
    """Returns the chosen rows of each word: values (B, n, ...), rows (B, m) -> (B, m, ...)."""
    index = rows if len(values.shape) == 2 else rows[..., None]
    return ops.take_along_axis(values, index, axis=1)

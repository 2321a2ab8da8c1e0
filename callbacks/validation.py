"""CER and WER on validation words as metrics that other callbacks can monitor."""

import keras
import numpy as np

from callbacks.averaging import averaged_weights
from data_generators.dataset import Dataset
from data_generators.feed import Feed
from models.precision import computing_in
from predictors.predictor_seq2seq import PredictorSeq2Seq
from utils.config_schema import Validation
from utils.score_prediction import score_prediction


class ValidationScores(keras.callbacks.Callback):
    """After an epoch, adds val_loss (teacher-forced), val_cer and val_wer (decoded) to the logs.

    Must come before the callbacks that monitor these values.

    Args:
        feed: validation batches, un-augmented.
        dataset: validation words to decode.
        num_epochs: the last of these is always evaluated.
    """

    def __init__(
        self, predictor: PredictorSeq2Seq, feed: Feed, dataset: Dataset, settings: Validation, num_epochs: int
    ) -> None:
        super().__init__()
        self.predictor = predictor
        self.feed = feed
        self.dataset = spread(dataset, settings.max_words)
        self.every = settings.every_epochs
        self.num_epochs = num_epochs

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and epoch + 1 != self.num_epochs:
            return
        with computing_in("float32"), averaged_weights(self.model):
            loss = self.model.evaluate(
                self.feed.dataset(), steps=len(self.feed.generator), verbose=0, return_dict=True
            )
            predictions = self.predictor.predict_dataset(self.dataset)
        scores = score_prediction([word.label for word in self.dataset.words], [p.text for p in predictions])
        logs.update(val_loss=float(loss["loss"]), val_cer=scores.cer, val_wer=scores.wer)


def spread(dataset: Dataset, max_words: int) -> Dataset:
    """`max_words` words at equal distances, the same in every epoch; 0: all."""
    if not max_words or max_words >= len(dataset):
        return dataset
    return dataset.select(np.linspace(0, len(dataset) - 1, max_words).round().astype(int))

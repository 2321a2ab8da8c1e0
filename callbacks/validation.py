"""CER and WER on validation words, which other callbacks can monitor."""

import keras
import numpy as np

from callbacks.evaluation_model import EvaluationModel
from data_generators.dataset import Dataset
from data_generators.input_pipeline import InputPipeline
from metrics.score_prediction import score_prediction
from models.precision import precision_scope
from predictors.predictor_seq2seq import PredictorSeq2Seq
from utils.config.callbacks import ValidationConfig


class ValidationScores(keras.callbacks.Callback):
    """After an epoch, adds val_loss (teacher-forced), val_cer and val_wer (decoded) to the logs.

    Must come before the callbacks that monitor these values.

    Args:
        predictor: decodes with the network of `evaluation_model`.
        pipeline: this process's validation batches, un-augmented.
        dataset: all validation words; each process decodes its shard.
        num_epochs: the last one is always evaluated.
    """

    def __init__(
        self,
        evaluation_model: EvaluationModel,
        predictor: PredictorSeq2Seq,
        pipeline: InputPipeline,
        dataset: Dataset,
        settings: ValidationConfig,
        num_epochs: int,
    ) -> None:
        super().__init__()
        self.evaluation_model = evaluation_model
        self.predictor = predictor
        self.pipeline = pipeline
        cluster = evaluation_model.cluster
        self.dataset = spread(dataset, settings.max_words).shard(cluster.index, cluster.number)
        self.every = settings.every_epochs
        self.num_epochs = num_epochs

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and epoch + 1 != self.num_epochs:
            return
        with precision_scope("float32"), self.evaluation_model.weights():
            loss = self.evaluation_model.model.keras_model.evaluate(
                self.pipeline.dataset(), steps=len(self.pipeline.generator), verbose=0, return_dict=True
            )
            predictions = self.predictor.predict_dataset(self.dataset)
        words = self.pipeline.generator.words_per_epoch
        pairs = [(word.label, p.text) for word, p in zip(self.dataset.words, predictions)]
        own = {"loss": float(loss["loss"]) * words, "words": words, "pairs": pairs}
        parts = self.evaluation_model.cluster.gather(own)
        scores = score_prediction(*zip(*(pair for part in parts for pair in part["pairs"])))
        mean_loss = sum(part["loss"] for part in parts) / sum(part["words"] for part in parts)
        logs.update(val_loss=mean_loss, val_cer=scores.cer, val_wer=scores.wer)


def spread(dataset: Dataset, max_words: int) -> Dataset:
    """Returns `max_words` words at equal distances, the same in every epoch; 0: all."""
    if not max_words or max_words >= len(dataset):
        return dataset
    return dataset.select(np.linspace(0, len(dataset) - 1, max_words).round().astype(int))

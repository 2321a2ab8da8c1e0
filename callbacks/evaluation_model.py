"""The network that is evaluated and saved: averaged weights, in float32, for a single process."""

import contextlib
import hashlib
from collections.abc import Iterator

import keras

from models.model_seq2seq import ModelSeq2Seq
from models.precision import dtype_scope
from utils.cluster import Cluster


class EvaluationModel:
    """The network that is `trained` or, where it is spread over devices or computes in 16 bits, a copy: `model`.

    `model` is to be evaluated or saved, within `weights` only.
    """

    def __init__(self, model: ModelSeq2Seq, cluster: Cluster, policy: str) -> None:
        self.trained = model
        self.cluster = cluster
        self.is_copy = cluster.distributed or policy != "float32"
        self.model = model
        if self.is_copy:
            with cluster.local_scope(), dtype_scope("float32"):
                self.model = ModelSeq2Seq(model.spec)

    def compile(self, label_smoothing: float) -> None:
        """Gives a copy the loss of the trained network."""
        if self.is_copy:
            with self.cluster.local_scope():
                self.model.compile(keras.optimizers.SGD(), label_smoothing)

    def check_equal(self) -> None:
        """Raises UserError if the processes have different weights."""
        if self.cluster.number > 1:
            digest = hashlib.sha256()
            for variable in self.trained.keras_model.weights:
                digest.update(keras.ops.convert_to_numpy(variable).tobytes())
            self.cluster.check_identical(digest.hexdigest(), "weights")

    @contextlib.contextmanager
    def weights(self) -> Iterator[None]:
        """Gives `model` the current weights within the block; all processes must call it."""
        trained = self.trained.keras_model
        with averaged_weights(trained):
            if not self.is_copy:
                yield
                return
            values = [keras.ops.convert_to_numpy(variable) for variable in trained.weights]
        with self.cluster.local_scope():
            self.model.keras_model.set_weights(values)
            yield


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Replaces the weights by their moving average within the block, if the optimizer keeps one.

    EMA of the weights: Polyak and Juditsky 1992.
    """
    # The optimizer that scales the loss for float16 wraps the one with the average.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not optimizer.use_ema:
        yield
        return
    raw = [keras.ops.copy(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    for variable in model.trainable_variables:
        # A copy, since a step of JAX may reuse the memory of the model's values.
        variable.assign(keras.ops.copy(variable))
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, raw):
            variable.assign(value)

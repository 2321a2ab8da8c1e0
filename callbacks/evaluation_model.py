"""The network as it is evaluated and saved: averaged weights, in float32, for a single process."""

import contextlib
import hashlib
from collections.abc import Iterator

import keras

from callbacks.averaging import averaged_weights
from models.model_seq2seq import ModelSeq2Seq
from models.precision import dtype_scope
from utils.cluster import Cluster


class EvaluationModel:
    """The trained network or, where it is spread over devices or computes in 16 bits, a copy.

    Attributes:
        trained: the trained network.
        model: the network to be evaluated or saved, within `weights` only.
    """

    def __init__(self, model: ModelSeq2Seq, cluster: Cluster, policy: str) -> None:
        self.trained = model
        self.cluster = cluster
        self.copies = cluster.distributed or policy != "float32"
        self.model = model
        if self.copies:
            with cluster.local_scope(), dtype_scope("float32"):
                self.model = ModelSeq2Seq(model.spec)

    def compile(self, label_smoothing: float) -> None:
        """Gives a copy the loss of the trained network."""
        if self.copies:
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
            if not self.copies:
                yield
                return
            values = [keras.ops.convert_to_numpy(variable) for variable in trained.weights]
        with self.cluster.local_scope():
            self.model.keras_model.set_weights(values)
            yield

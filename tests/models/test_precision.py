"""Number formats of training: what they mean on which machine, and where they end."""

import keras
import numpy as np
import pytest

from callbacks.evaluation_model import EvaluationModel
from models import precision
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.precision import dtype_scope, resolve_precision
from preprocessing.tokenizer import Tokenizer
from utils.cluster import Cluster


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """A function: flags -> the machine's CPU has them."""

    def set_flags(flags: str) -> None:
        (tmp_path / "cpuinfo").write_text(f"{flags}\n", encoding="utf-8")
        monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "cpuinfo")

    return set_flags


@pytest.mark.parametrize(
    "flags, meaning",
    [
        ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512f avx512_bf16", "mixed_bfloat16"),
        ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16", "float32"),
        ("vendor_id\t: GenuineIntel\nflags\t\t: fpu amx_bf16 amx_tile avx512_bf16", "mixed_bfloat16"),
        ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 avx512f avx512_vnni", "float32"),
    ],
)
def test_auto_asks_the_cpu(cpu, flags, meaning):
    cpu(flags)
    assert resolve_precision("auto") == meaning


def test_auto_is_float32_where_the_cpu_says_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "none")
    assert resolve_precision("auto") == "float32"


def test_other_devices(monkeypatch):
    monkeypatch.setattr(precision, "trains_on_cpu", lambda: False)
    assert resolve_precision("auto") == "float32"
    # There it is Keras' policy that does it, for either kind of 16 bits.
    for name in ("mixed_bfloat16", "mixed_float16"):
        assert precision.dtype_policy(resolve_precision(name)) == name


def test_on_a_cpu_tensorflows_rewriter_does_bfloat16(monkeypatch):
    monkeypatch.setattr(precision, "trains_on_cpu", lambda: True)
    assert precision.dtype_policy("mixed_bfloat16") == "float32"
    assert precision.dtype_policy("mixed_float16") == "mixed_float16"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_16_bits_learn_what_32_bits_learn(policy, make_config, eagerly):
    config = make_config(network={"attention": "luong", "embedding_dim": 4, "ctc_weight": 0.3})
    tokenizer = Tokenizer("abcd")
    inputs = {
        "image": np.random.default_rng(1).integers(0, 256, (4, 16, 32, 1)).astype(np.uint8),
        "width": np.array([32, 32, 24, 24], np.int32),
    }
    inputs["decoder_input"], target = tokenizer.encode_batch(["ab", "cd", "a", "dcb"])
    losses, networks = {}, {}
    for name in ("float32", policy):
        keras.utils.set_random_seed(1)
        with dtype_scope(name):
            network = ModelSeq2Seq(ModelSpec(config.image, config.network, tokenizer))
        network.compile(keras.optimizers.Adam(0.02))
        targets = {"characters": target, "columns": target}
        losses[name] = [float(network.keras_model.train_on_batch(inputs, targets)[0]) for _ in range(12)]
        networks[name] = network
    assert losses["float32"][-1] < 0.6 * losses["float32"][0]
    assert losses[policy][-1] == pytest.approx(losses["float32"][-1], rel=0.1)
    assert {variable.dtype for variable in networks[policy].keras_model.trainable_variables} == {"float32"}
    layers = networks[policy].encoder.layers
    assert {layer.compute_dtype for layer in layers if isinstance(layer, keras.layers.Conv2D)} == {policy[6:]}
    # What is evaluated and saved is a float32 copy.
    evaluation_model = EvaluationModel(networks[policy], Cluster(), policy)
    with evaluation_model.weights():
        assert evaluation_model.model.encoder.layers[-1].compute_dtype == "float32"
        for saved, trained in zip(evaluation_model.model.keras_model.weights, networks[policy].keras_model.weights):
            assert np.array_equal(saved, trained)

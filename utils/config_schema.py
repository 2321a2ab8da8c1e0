"""Every config key: its type, its default, its allowed range and what it does.

The seed project's key names stay and every default is its behaviour, so a config file written for
it loads unedited and builds its network; the recipes in `configs/` switch on what is better. Each
section is a frozen pydantic model; `utils/config.py` reads files into them.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from utils.config_data import DataAug, Image, PositiveInt, Real, Section, Share, Size, Synthetic, key

Pair = Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=2, max_length=2)]
Metric = Literal["val_cer", "val_wer", "val_loss", "loss"]


class TrainOnSubset(Section):
    enabled: bool = key(False, "train on a random part of the training words")
    random_seed: int = key(33, "seed of the choice", ge=0)
    dataset_fraction: Share = key(0.8, "part of the training words, drawn without replacement")


class WeightsInitialization(Section):
    use_pretrained_weights: bool = key(False, "start from the weights of another model")
    restore_from: str | None = key(None, "model folder to start from")
    add_characters: bool = key(
        False,
        "where network.charset is null: add the characters of the training labels to the model's; "
        "old ones keep their weights",
    )


class Output(Section):
    output_graph: str | None = key(
        None, "accepted for the seed project's files; the model folder holds the graph"
    )
    output_weights: str | None = key(None, "model folder to copy the best model to at the end")


class Packed(Section):
    """Training words in a few large files, for more words than memory or a file system likes."""

    folder: str | None = key(
        None, "packed dataset (python -m utils.pack_dataset) to train on instead of labels_file's train words"
    )


class AdditionalData(Section):
    """A second dataset whose training words are mixed in; its val and test words are not used."""

    labels_file: str | None = key(None, "labels of a dataset to mix in; null: none")
    images_folder: str | None = key(None, "folder that its file names start from")
    words_per_epoch: int = key(0, "words of it in an epoch, the next one takes others; 0: all", ge=0)
    synthetic: Synthetic = Synthetic()

    @model_validator(mode="after")
    def _whole(self) -> "AdditionalData":
        if (self.labels_file is None) != (self.images_folder is None):
            raise ValueError("labels_file and images_folder go together: set both")
        return self


class Distribution(Section):
    """Training on several devices or machines; SCALING.md says how."""

    strategy: Literal["none", "mirrored", "data_parallel"] = key(
        "none",
        "mirrored: all GPUs of one machine (TensorFlow); data_parallel: all processes and their GPUs (JAX)",
    )
    coordinator: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$|^\[[^\s\]]+\]:\d{1,5}$")] | None = key(
        None, "host:port on which process 0 can be reached; null: as SLURM says"
    )
    num_processes: PositiveInt | None = key(None, "number of processes; null: as SLURM says, else 1")
    process_id: int | None = key(
        None, "which of them this is, from 0; null: as SLURM or a Kubernetes indexed job says", ge=0
    )
    timeout: Annotated[int, Field(ge=10)] = key(
        100, "seconds without a sign of life after which a process counts as lost"
    )


class Train(Section):
    train_on_subset: TrainOnSubset = TrainOnSubset()
    additional_data: AdditionalData = AdditionalData()
    packed: Packed = Packed()
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad", "adadelta"] = key("adam", "optimizer")
    learning_rate: Real = key(0.001, "peak learning rate", gt=0)
    warmup_steps: int = key(0, "steps over which the learning rate rises linearly to its peak", ge=0)
    schedule: Literal["constant", "cosine"] = key("constant", "course of the learning rate after warm-up")
    final_learning_rate: Real = key(1e-5, "learning rate at the end of a cosine schedule", ge=0)
    weight_decay: Real = key(0.0, "decoupled weight decay per step; adamw only", ge=0)
    clip_norm: Real = key(0.0, "largest global gradient norm; 0: no clipping", ge=0)
    ema_decay: Annotated[Real, Field(ge=0, lt=1)] = key(
        0.0, "moving average of the weights, evaluated and saved instead of them; 0: off"
    )
    label_smoothing: Annotated[Real, Field(ge=0, lt=1)] = key(
        0.0, "probability mass spread over all characters"
    )
    batch_size: PositiveInt = key(256, "words per step")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = key(
        "float32",
        "number format of training's matrix products; mixed_float16: for GPUs without bfloat16; "
        "auto: mixed_bfloat16 on CPUs with instructions for it, float32 elsewhere",
    )
    statistics_batches: int = key(
        0,
        "training batches from which batch normalisation's statistics are estimated anew after each epoch; "
        "0: its running averages are kept",
        ge=0,
    )
    fixed_statistics_epochs: int = key(
        0,
        "last epochs in which batch normalisation uses its running averages, as reading does, instead of "
        "each batch's own statistics",
        ge=0,
    )
    distribution: Distribution = Distribution()
    num_epochs: PositiveInt = key(50, "passes over the training words")
    use_multiprocessing: bool = key(False, "accepted for the seed project's files; threads are always used")
    num_workers: PositiveInt = key(2, "threads that augment and batch ahead of training", le=256)
    weights_initialization: WeightsInitialization = WeightsInitialization()
    output: Output = Output()
    save_every_minutes: Real = key(
        5.0, "save the training state this often within an epoch; 0: after epochs only", ge=0
    )
    max_unusable_share: Share = key(
        0.05, "refuse to start when more than this share of the words is unusable"
    )


class Lexicon(Section):
    """The words that decoder lexicon prefers."""

    file: str | None = key(
        None, "list of words, `word` or `word<TAB>frequency` a line; null: 100,000 English words"
    )
    weight: Real = key(0.6, "weight of the logarithm of a text's probability as a word", ge=0)
    oov_penalty: Real = key(
        12.0, "minus the log probability of all words that are not in the list; more: fewer of them", ge=0
    )


class Predict(Section):
    graph_file: str | None = key(
        None, "accepted for the seed project's files; the model folder holds the graph"
    )
    weights_file: str | None = key(
        None, "model folder to use while this experiment has trained none of its own"
    )
    batch_size: PositiveInt = key(256, "words per decoding batch")
    runtime: Literal["auto", "onnx", "keras"] = key(
        "auto",
        "what runs the network; auto: ONNX Runtime if the model folder has ONNX files (see --export)",
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
    lexicon: Lexicon = Lexicon()

    @model_validator(mode="after")
    def _enough_hypotheses(self) -> "Predict":
        if self.n_best > 1 and self.decoder == "greedy":
            raise ValueError(f"n_best {self.n_best} needs decoder beam or lexicon: greedy finds one reading")
        if self.n_best > self.beam_width:
            raise ValueError(f"n_best {self.n_best} needs a beam_width as large, not {self.beam_width}")
        return self


class Network(Section):
    num_filters: list[Size] = key(
        [16, 32, 64, 128, 256, 512], "filters of each convolution block", min_length=1, max_length=100
    )
    conv_kernels: list[Pair] = key(
        [[7, 7], [5, 5], [5, 5], [3, 3], [3, 3], [3, 3]], "kernel [height, width] of each block"
    )
    strides: list[Pair] | None = key(
        None, "step [height, width] of each block's convolution; null: [1, 1] everywhere"
    )
    pooling: list[Pair] | None = key(
        None, "max pooling [height, width] after each block; null: [2, 2] everywhere"
    )
    residual: list[Annotated[int, Field(ge=0, le=100)]] | None = key(
        None, "residual 3x3 double convolutions added to each block before its pooling; null: none"
    )
    use_batch_norm: bool | list[bool] = key(True, "batch normalisation, for all blocks or for each")
    conv_dropout: Annotated[Real, Field(ge=0, lt=1)] = key(
        0.0, "dropout on whole feature maps of the last block"
    )
    columns: Literal["flatten", "height"] = key(
        "flatten",
        "flatten: each position is a step, row by row; height: each column is a step, its rows stacked",
    )
    column_dim: int = key(
        0, "size to which each column is projected before the encoder; 0: not projected", ge=0, le=65_536
    )
    encoder_dim: int = key(0, "units of each encoder LSTM and direction; 0: latent_dim", ge=0, le=65_536)
    encoder_layers: Annotated[int, Field(ge=1, le=100)] = key(1, "number of stacked encoder LSTMs")
    bidirectional: bool = key(False, "read the columns in both directions")
    latent_dim: Size = key(512, "units of the decoder LSTM")
    decoder_layers: Literal[1, 2] = key(1, "2: a second LSTM reads what attention found; needs attention")
    attention: Literal["none", "luong"] = key(
        "none", "none: plain seq2seq; luong: attention over the columns"
    )
    embedding_dim: int = key(0, "size of the character embedding of the decoder; 0: one-hot", ge=0, le=65_536)
    dropout: Annotated[Real, Field(ge=0, lt=1)] = key(0.0, "dropout before encoder, decoder and output")
    ctc_weight: Share = key(0.0, "weight of a joint CTC loss on the encoder's columns; 0: none")
    charset: str | None = key(
        None, "characters the model can write; null: those of the training labels", min_length=1
    )
    max_seq_lenght: Annotated[int, Field(ge=2, le=65_536)] = key(
        55, "longest label plus one (the seed project's spelling)"
    )
    fixed_seq_length: bool = key(True, "pad every target to max_seq_lenght instead of to the batch's longest")
    loss: Literal["categorical_crossentropy", "sparse_categorical_crossentropy"] = key(
        "categorical_crossentropy",
        "cross-entropy per character, averaged over the real ones; both names mean it",
    )

    @model_validator(mode="after")
    def _one_entry_per_block(self) -> "Network":
        blocks = len(self.num_filters)
        for name in ("conv_kernels", "strides", "pooling", "residual", "use_batch_norm"):
            value = getattr(self, name)
            if isinstance(value, list) and len(value) != blocks:
                raise ValueError(
                    f"{name} has {len(value)} entries, but num_filters has {blocks}: give one per block"
                )
        if self.decoder_layers == 2 and self.attention == "none":
            raise ValueError(
                "decoder_layers 2 needs attention luong: its second LSTM reads what attention found"
            )
        return self

    @property
    def steps(self) -> list[list[int]]:
        """Convolution step [height, width] of each block."""
        return self.strides or [[1, 1]] * len(self.num_filters)

    @property
    def normalized(self) -> list[bool]:
        """Whether each block has batch norm."""
        wanted = self.use_batch_norm
        return wanted if isinstance(wanted, list) else [wanted] * len(self.num_filters)

    @property
    def pools(self) -> list[list[int]]:
        """Pooling [height, width] of each block."""
        return self.pooling or [[2, 2]] * len(self.num_filters)


class EarlyStopping(Section):
    enabled: bool = key(False, "stop when the monitored value no longer improves")
    monitor: Metric = key("val_cer", "value to watch")
    patience: PositiveInt = key(10, "epochs without improvement before stopping")


class Checkpoint(Section):
    enabled: bool = key(True, "write this snapshot")
    out_file: str | None = key(None, "model folder to write; null: `best` or `last` in experiment_folder")
    monitor: Metric = key("val_cer", "value that decides which epoch is best")


class TensorBoard(Section):
    enabled: bool = key(False, "write TensorBoard logs")
    log_dir: str | None = key(None, "their folder; null: `tensorboard` in experiment_folder")


class ReduceLrOnPlateau(Section):
    enabled: bool = key(False, "lower the learning rate when the monitored value stalls")
    monitor: Metric = key("val_loss", "value to watch")
    factor: Annotated[Real, Field(gt=0, lt=1)] = key(0.1, "factor on the learning rate")
    patience: PositiveInt = key(10, "epochs without improvement before lowering")


class Validation(Section):
    """Decoding of validation words after each epoch, for val_cer and val_wer."""

    max_words: int = key(0, "decode this many validation words, spread over the set; 0: all", ge=0)
    every_epochs: PositiveInt = key(1, "decode after every so many epochs, and after the last")


class Callbacks(Section):
    early_stopping: EarlyStopping = EarlyStopping()
    model_best_checkpoint: Checkpoint = Checkpoint()
    model_last_checkpoint: Checkpoint = Checkpoint()
    tensorboard: TensorBoard = TensorBoard()
    reduce_lr_on_plateau: ReduceLrOnPlateau = ReduceLrOnPlateau()
    validation: Validation = Validation()


class Config(Section):
    """One experiment: data, network, training and prediction."""

    images_folder: str = key(
        "./datasets/synthetic/words/", "folder that the file names in labels_file start from"
    )
    labels_file: str = key(
        "./datasets/synthetic/labels.json", "which images belong to train, val and test, with labels"
    )
    data_licence: str = key(
        "", "what the data's licence asks of the weights; written into every model folder"
    )
    cache_folder: str = key(
        "./datasets/.cache", "decoded images, so that epochs never read image files again"
    )
    experiment_folder: str = key("./experiments/default", "everything that training writes")
    seed: int = key(1, "seed of initial weights, shuffling, augmentation and dropout", ge=0)
    synthetic: Synthetic = Synthetic()
    image: Image = Image()
    train: Train = Train()
    predict: Predict = Predict()
    network: Network = Network()
    data_aug: DataAug = DataAug()
    callbacks: Callbacks = Callbacks()

    @model_validator(mode="after")
    def _packed_words_are_all(self) -> "Config":
        train = self.train
        if train.packed.folder and (train.additional_data.labels_file or train.train_on_subset.enabled):
            raise ValueError(
                "train.packed.folder excludes train.additional_data and train.train_on_subset: "
                "pack the words that you want"
            )
        return self

    @model_validator(mode="after")
    def _geometry_holds(self) -> "Config":
        size, network = self.image.image_size, self.network
        height, width = size.y_size, size.x_size
        for block, (step, pool) in enumerate(zip(network.steps, network.pools), start=1):
            height, width = -(-height // step[0]) // pool[0], -(-width // step[1]) // pool[1]
            if height < 1 or width < 1:
                raise ValueError(
                    f"network.pooling leaves nothing of a {size.y_size}x{size.x_size} image "
                    f"at block {block}: use fewer or smaller poolings and strides"
                )
        if self.network.columns == "flatten" and not self.image.fixed_width:
            raise ValueError(
                "network.columns flatten needs image.fixed_width true: set it, or use columns height"
            )
        if self.train.weights_initialization.add_characters and network.charset is not None:
            raise ValueError(
                "train.weights_initialization.add_characters needs network.charset null: "
                "a charset that is named holds its characters already"
            )
        if self.train.schedule == "cosine" and self.callbacks.reduce_lr_on_plateau.enabled:
            raise ValueError(
                "train.schedule cosine and callbacks.reduce_lr_on_plateau exclude each other: choose one"
            )
        return self

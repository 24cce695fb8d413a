"""Convert some 120 models of Keras layers as tutorials do, to see which of them run.

Needs what simbench does not: ``pip install tensorflow==2.21.0 keras==3.15.1`` in an environment of
its own. Weights are random, from a fixed seed; names are ``LAYERS-MODE.tflite``. What the converter
refuses is said and left out.

    python scripts/convert_models.py FOLDER [LAYERS ...]
    simbench run --model FOLDER/sine-int8.tflite --platform stm32f4
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras import ops as kops

rng = np.random.default_rng(7)
keras.utils.set_random_seed(7)

NETS: dict[str, Callable[[], Any]] = {}


def _net(make: Callable[[], Any]) -> Callable[[], Any]:
    NETS[make.__name__.strip("_")] = make
    return make


def _sequence(shape: tuple[int, ...], *parts: Any) -> Any:
    return keras.Sequential([keras.Input(shape), *parts])


def _with_statistics(model: Any) -> Any:
    """As if it had been trained: a normalization that does nothing is folded into nothing."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            n = len(layer.get_weights()[0])
            draws = rng.uniform(0.5, 1.5, n), rng.normal(0, 0.3, n), rng.normal(0, 0.3, n)
            layer.set_weights([*draws, rng.uniform(0.5, 2, n)])
    return model


def _graph(shape: tuple[int, ...], build: Callable[[Any], Any]) -> Any:
    given = keras.Input(shape)
    return keras.Model(given, build(given))


def _conv_block(x: Any, n: int, k: Any = 3, s: int = 1, act: str = "relu") -> Any:
    x = layers.Conv2D(n, k, strides=s, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation(act)(x)


@_net
def _sine() -> Any:
    return _sequence((1,), layers.Dense(16, "relu"), layers.Dense(16, "relu"), layers.Dense(1))


@_net
def _mnist_dense() -> Any:
    return _sequence(
        (28, 28),
        layers.Flatten(),
        layers.Dense(64, "relu"),
        layers.Dropout(0.2),
        layers.Dense(10, "softmax"),
    )


@_net
def _mnist_conv() -> Any:
    return _sequence(
        (28, 28, 1),
        layers.Conv2D(12, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10),
    )


@_net
def _rescaled_cnn() -> Any:
    return _sequence(
        (32, 32, 3),
        layers.Rescaling(1 / 255.0),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.AveragePooling2D(2),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, "softmax"),
    )


@_net
def _mobilenet_v1() -> Any:
    return keras.applications.MobileNet((96, 96, 3), alpha=0.25, weights=None, classes=2)


@_net
def _mobilenet_v2() -> Any:
    return keras.applications.MobileNetV2((64, 64, 3), alpha=0.35, weights=None, classes=4)


@_net
def _mobilenet_v3() -> Any:
    return keras.applications.MobileNetV3Small(
        (64, 64, 3),
        alpha=0.35,
        minimalistic=True,
        weights=None,
        classes=4,
        include_preprocessing=False,
    )


@_net
def _resnet8() -> Any:
    def f(i):
        x = _conv_block(i, 8)
        for n, s in ((8, 1), (16, 2), (32, 2)):
            y = _conv_block(x, n, s=s)
            y = layers.BatchNormalization()(layers.Conv2D(n, 3, padding="same")(y))
            if s > 1:
                x = layers.Conv2D(n, 1, strides=s, padding="same")(x)
            x = layers.ReLU()(layers.Add()([x, y]))
        return layers.Dense(10, "softmax")(layers.Flatten()(layers.AveragePooling2D(x.shape[1])(x)))

    return _graph((32, 32, 3), f)


@_net
def _ds_cnn() -> Any:
    def f(i):
        x = _conv_block(i, 16, (10, 4), 2)
        for _ in range(3):
            x = layers.ReLU()(
                layers.BatchNormalization()(
                    layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
                )
            )
            x = _conv_block(x, 16, 1)
        return layers.Dense(12, "softmax")(layers.GlobalAveragePooling2D()(layers.Dropout(0.4)(x)))

    return _graph((49, 10, 1), f)


@_net
def _autoencoder() -> Any:
    return _sequence(
        (128,),
        layers.Dense(32),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dense(8, "relu"),
        layers.Dense(32, "relu"),
        layers.Dense(128),
    )


@_net
def _conv1d() -> Any:
    return _sequence(
        (64, 3),
        layers.Conv1D(16, 5, activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(16, 3, padding="causal", dilation_rate=2, activation="relu"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(4, "softmax"),
    )


@_net
def _sepconv1d() -> Any:
    return _sequence(
        (64, 4),
        layers.SeparableConv1D(16, 5, padding="same", activation="relu"),
        layers.AveragePooling1D(2),
        layers.SeparableConv1D(16, 3, strides=2),
        layers.GlobalAveragePooling1D(),
        layers.Dense(4),
    )


@_net
def _sepconv2d() -> Any:
    return _sequence(
        (24, 24, 3),
        layers.SeparableConv2D(16, 3, activation="relu"),
        layers.SeparableConv2D(24, 3, strides=2, padding="same", activation="relu"),
        layers.GlobalMaxPooling2D(),
        layers.Dense(3, "sigmoid"),
    )


@_net
def _lstm_default() -> Any:
    return _sequence((12, 4), layers.LSTM(8), layers.Dense(3))


@_net
def _lstm_unrolled() -> Any:
    return _sequence((8, 4), layers.LSTM(8, unroll=True), layers.Dense(3))


@_net
def _gru_unrolled() -> Any:
    return _sequence((8, 4), layers.GRU(8, unroll=True), layers.Dense(3))


@_net
def _gru_default() -> Any:
    return _sequence((8, 4), layers.GRU(8), layers.Dense(3))


@_net
def _rnn_unrolled() -> Any:
    return _sequence(
        (8, 4),
        layers.SimpleRNN(8, unroll=True, return_sequences=True),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3),
    )


@_net
def _bilstm_unrolled() -> Any:
    return _sequence((6, 4), layers.Bidirectional(layers.LSTM(6, unroll=True)), layers.Dense(3))


@_net
def _convlstm_like() -> Any:
    return _sequence(
        (6, 12, 12, 1),
        layers.TimeDistributed(layers.Conv2D(4, 3, activation="relu")),
        layers.TimeDistributed(layers.GlobalAveragePooling2D()),
        layers.Flatten(),
        layers.Dense(3),
    )


def _activated(name: str) -> Callable[[], Any]:
    def make() -> Any:
        ends = layers.Flatten(), layers.Dense(4)
        return _sequence((12, 12, 3), layers.Conv2D(8, 3), layers.Activation(name), *ends)

    return make


_ACTIVATIONS = (
    "elu selu swish gelu hard_sigmoid hard_swish softplus softsign exponential tanh sigmoid "
    "leaky_relu relu6 mish log_softmax"
)
NETS |= {f"act_{name}": _activated(name) for name in _ACTIVATIONS.split()}


@_net
def _prelu() -> Any:
    return _sequence(
        (12, 12, 3),
        layers.Conv2D(8, 3),
        layers.PReLU(shared_axes=[1, 2]),
        layers.Conv2D(8, 3, activation=keras.layers.LeakyReLU(negative_slope=0.2)),
        layers.Flatten(),
        layers.Dense(4),
    )


@_net
def _relu_max() -> Any:
    return _sequence(
        (12, 12, 3),
        layers.Conv2D(8, 3),
        layers.ReLU(max_value=1.0),
        layers.Conv2D(8, 3),
        layers.ReLU(threshold=0.1),
        layers.Flatten(),
        layers.Dense(4),
    )


@_net
def _upsample() -> Any:
    return _sequence(
        (8, 8, 4),
        layers.UpSampling2D(),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.UpSampling2D(interpolation="bilinear"),
        layers.Conv2D(1, 1, activation="sigmoid"),
    )


@_net
def _unet() -> Any:
    def f(i):
        a = layers.Conv2D(8, 3, padding="same", activation="relu")(i)
        b = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D()(a))
        c = layers.Conv2DTranspose(8, 2, strides=2, padding="same")(b)
        return layers.Conv2D(2, 1, activation="softmax")(layers.Concatenate()([a, c]))

    return _graph((24, 24, 1), f)


@_net
def _conv1dtranspose() -> Any:
    return _sequence(
        (16, 4),
        layers.Conv1DTranspose(8, 4, strides=2, padding="same", activation="relu"),
        layers.Conv1D(2, 3),
    )


@_net
def _pad_crop() -> Any:
    return _sequence(
        (14, 14, 3),
        layers.ZeroPadding2D(((1, 2), (0, 3))),
        layers.Conv2D(6, 3, strides=2),
        layers.Cropping2D(((1, 0), (0, 1))),
        layers.Flatten(),
        layers.Dense(3),
    )


@_net
def _merges() -> Any:
    def f(i):
        a = layers.Conv2D(6, 3, activation="relu")(i)
        b = layers.Conv2D(6, 3)(i)
        x = [
            layers.Subtract()([a, b]),
            layers.Multiply()([a, b]),
            layers.Average()([a, b]),
            layers.Maximum()([a, b]),
            layers.Minimum()([a, b]),
        ]
        return layers.Dense(3)(layers.Flatten()(layers.Concatenate()(x)))

    return _graph((10, 10, 2), f)


@_net
def _dot() -> Any:
    a = keras.Input((16,))
    b = keras.Input((16,))
    e = layers.Dense(8, "relu")
    return keras.Model([a, b], layers.Dot(1, normalize=True)([e(a), e(b)]))


@_net
def _dilated_dw() -> Any:
    return _sequence(
        (16, 16, 4),
        layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", depth_multiplier=2),
        layers.ReLU(6.0),
        layers.Conv2D(8, 3, dilation_rate=(2, 2), activation="relu"),
        layers.Flatten(),
        layers.Dense(3),
    )


@_net
def _grouped() -> Any:
    return _sequence(
        (16, 16, 8),
        layers.Conv2D(16, 3, groups=4, activation="relu"),
        layers.Conv2D(16, 1, groups=2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3),
    )


@_net
def _conv3d() -> Any:
    return _sequence(
        (8, 12, 12, 1),
        layers.Conv3D(4, 3, activation="relu"),
        layers.GlobalAveragePooling3D(),
        layers.Dense(3),
    )


@_net
def _attention() -> Any:
    def f(i):
        x = layers.MultiHeadAttention(2, 8)(i, i)
        x = layers.LayerNormalization()(layers.Add()([x, i]))
        y = layers.Dense(16, "relu")(x)
        x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(8)(y)]))
        return layers.Dense(3, "softmax")(layers.GlobalAveragePooling1D()(x))

    return _graph((10, 8), f)


@_net
def _embedding() -> Any:
    i = keras.Input((12,), dtype="int32")
    x = layers.Embedding(9, 8)(i)
    return keras.Model(i, layers.Dense(2, "softmax")(layers.GlobalAveragePooling1D()(x)))


@_net
def _squeeze_excite() -> Any:
    def f(i):
        x = layers.Conv2D(8, 3, activation="relu")(i)
        s = layers.GlobalAveragePooling2D(keepdims=True)(x)
        s = layers.Conv2D(8, 1, activation="hard_sigmoid")(
            layers.Conv2D(2, 1, activation="relu")(s)
        )
        return layers.Dense(3)(layers.Flatten()(layers.Multiply()([x, s])))

    return _graph((12, 12, 3), f)


@_net
def _inception() -> Any:
    def f(i):
        return layers.Dense(3)(
            layers.GlobalAveragePooling2D()(
                layers.Concatenate()(
                    [
                        layers.Conv2D(4, 1, activation="relu")(i),
                        layers.Conv2D(4, 3, padding="same", activation="relu")(i),
                        layers.Conv2D(4, 5, padding="same", activation="relu")(i),
                        layers.Conv2D(4, 1)(layers.MaxPooling2D(3, strides=1, padding="same")(i)),
                    ]
                )
            )
        )

    return _graph((16, 16, 3), f)


@_net
def _densenet() -> Any:
    def f(i):
        x = layers.Conv2D(8, 3, padding="same")(i)
        for _ in range(3):
            x = layers.Concatenate()(
                [
                    x,
                    layers.Conv2D(4, 3, padding="same")(
                        layers.ReLU()(layers.BatchNormalization()(x))
                    ),
                ]
            )
        return layers.Dense(3)(layers.GlobalAveragePooling2D()(x))

    return _graph((16, 16, 3), f)


@_net
def _shuffle() -> Any:
    def f(i):
        x = layers.Conv2D(8, 1, groups=2, activation="relu")(i)
        x = layers.Reshape((12, 12, 2, 4))(x)
        x = layers.Permute((1, 2, 4, 3))(x)
        x = layers.Reshape((12, 12, 8))(x)
        return layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.DepthwiseConv2D(3)(x)))

    return _graph((12, 12, 4), f)


@_net
def _normalization() -> Any:
    n = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])
    return _sequence(
        (20, 3), n, layers.Conv1D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(2)
    )


@_net
def _repeat_lstm_ae() -> Any:
    return _sequence(
        (6, 3),
        layers.LSTM(6, unroll=True),
        layers.RepeatVector(6),
        layers.LSTM(6, unroll=True, return_sequences=True),
        layers.TimeDistributed(layers.Dense(3)),
    )


@_net
def _two_heads() -> Any:
    i = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(i))
    return keras.Model(
        i, [layers.Dense(4, "softmax", name="kind")(x), layers.Dense(4, name="box")(x)]
    )


@_net
def _l2norm() -> Any:
    return _graph((12,), lambda i: kops.normalize(layers.Dense(8)(i), axis=-1))


@_net
def _math_ops() -> Any:
    return _graph(
        (12,),
        lambda i: kops.sum(
            kops.concatenate(
                [
                    kops.abs(layers.Dense(8)(i)),
                    kops.square(layers.Dense(8)(i)),
                    kops.sqrt(kops.relu(layers.Dense(8)(i)) + 1.0),
                    kops.log(kops.relu(layers.Dense(8)(i)) + 1.0),
                ],
                -1,
            ),
            -1,
            keepdims=True,
        ),
    )


@_net
def _trig() -> Any:
    return _graph((12,), lambda i: kops.sin(layers.Dense(8)(i)) + kops.cos(layers.Dense(8)(i)))


@_net
def _argmax() -> Any:
    return _graph((12,), lambda i: kops.argmax(layers.Dense(8)(i), axis=-1))


@_net
def _where_mask() -> Any:
    return _graph((12,), lambda i: (lambda x: kops.where(x > 0.0, x, x * 0.1))(layers.Dense(8)(i)))


@_net
def _softmax_axis() -> Any:
    return _graph((6, 5, 4), lambda i: layers.Softmax(axis=1)(layers.Conv2D(4, 1)(i)))


@_net
def _crop_slice() -> Any:
    return _graph(
        (16, 16, 3),
        lambda i: layers.Dense(2)(layers.Flatten()(layers.Conv2D(4, 3)(i[:, 2:14:2, ::3, :]))),
    )


@_net
def _split_stack() -> Any:
    def f(i):
        a, b = kops.split(layers.Conv2D(8, 3)(i), 2, axis=-1)
        return layers.Dense(2)(layers.Flatten()(kops.stack([a, kops.sigmoid(b) * a], axis=1)))

    return _graph((8, 8, 2), f)


@_net
def _depth_to_space() -> Any:
    class D(layers.Layer):
        def call(self, x):
            return tf.nn.depth_to_space(x, 2)

        def compute_output_shape(self, s):
            return (s[0], s[1] * 2, s[2] * 2, s[3] // 4)

    return _graph(
        (8, 8, 3), lambda i: D()(layers.Conv2D(12, 3, padding="same", activation="relu")(i))
    )


@_net
def _yolo_head() -> Any:
    def f(i):
        x = layers.Conv2D(18, 1)(
            layers.Conv2D(8, 3, strides=4, padding="same", activation="relu")(i)
        )
        x = layers.Reshape((-1, 6))(x)
        return layers.Concatenate()(
            [kops.sigmoid(x[..., :2]), kops.exp(x[..., 2:4]), kops.sigmoid(x[..., 4:])]
        )

    return _graph((32, 32, 3), f)


@_net
def _reduce_all() -> Any:
    return _graph(
        (8, 8, 4),
        lambda i: layers.Concatenate()(
            [
                kops.max(i, axis=(1, 2)),
                kops.min(i, axis=(1, 2)),
                kops.sum(i, axis=(1, 2)),
                kops.std(layers.Conv2D(4, 1)(i), axis=(1, 2)),
            ]
        ),
    )


@_net
def _cumsum() -> Any:
    return _graph((12,), lambda i: kops.cumsum(layers.Dense(8)(i), axis=-1))


@_net
def _flip() -> Any:
    return _graph(
        (8, 3),
        lambda i: layers.Dense(2)(
            layers.Flatten()(
                layers.Concatenate()([layers.Conv1D(3, 3, padding="same")(i), kops.flip(i, axis=1)])
            )
        ),
    )


@_net
def _tcn() -> Any:
    def f(i):
        x = layers.Conv1D(8, 1)(i)
        for d in (1, 2, 4):
            x = layers.Add()(
                [x, layers.Conv1D(8, 3, padding="causal", dilation_rate=d, activation="relu")(x)]
            )
        return layers.Dense(3)(x[:, -1, :])

    return _graph((32, 4), f)


@_net
def _groupnorm() -> Any:
    return _sequence(
        (12, 12, 3),
        layers.Conv2D(8, 3),
        layers.GroupNormalization(4),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3),
    )


@_net
def _unitnorm() -> Any:
    return _sequence((12,), layers.Dense(8), layers.UnitNormalization(), layers.Dense(3))


@_net
def _einsum_dense() -> Any:
    return _sequence(
        (6, 8),
        layers.EinsumDense("abc,cd->abd", output_shape=(6, 12), activation="relu"),
        layers.Flatten(),
        layers.Dense(3),
    )


@_net
def _resize() -> Any:
    return _sequence(
        (10, 10, 3), layers.Resizing(16, 16), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)
    )


def _samples(model: Any) -> Callable[[], Iterator[list[Any]]]:
    """What a converter sees of the data: noise, and small whole numbers for look-ups."""

    def draw(tensor: Any) -> Any:
        shape = (1, *tensor.shape[1:])
        if "int" in tensor.dtype:
            return rng.integers(0, 9, shape).astype(np.int32)
        return rng.normal(0, 1, shape).astype(np.float32)

    def samples() -> Iterator[list[Any]]:
        for _ in range(20):
            yield [draw(tensor) for tensor in model.inputs]

    return samples


def _converted(model: Any, mode: str) -> bytes:
    """The .tflite of a model, as tutorials ask for each mode."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if mode != "f32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode in ("int8", "uint8_io", "int8_float_io", "i16"):
        converter.representative_dataset = _samples(model)
    if mode == "f16":
        converter.target_spec.supported_types = [tf.float16]
    if mode in ("int8", "uint8_io"):
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        ends = tf.int8 if mode == "int8" else tf.uint8
        converter.inference_input_type = converter.inference_output_type = ends
    if mode == "i16":
        both = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [both]
    return converter.convert()


_EVERY_MODE = ("mnist_conv", "ds_cnn", "resnet8", "conv1d", "lstm_unrolled", "attention")
_FLOATS = (
    *("lstm_default", "gru_default", "rnn_unrolled", "unet", "merges", "yolo_head", "trig"),
    *("argmax", "embedding", "math_ops", "upsample", "autoencoder"),
)
_SHORT = (
    *("unet", "merges", "sepconv1d", "act_tanh", "act_sigmoid", "act_leaky_relu", "upsample"),
    *("tcn", "squeeze_excite", "autoencoder", "act_elu"),
)


def _jobs() -> Iterator[tuple[str, str]]:
    yield from ((name, "int8") for name in NETS)
    for name in _EVERY_MODE:
        yield from ((name, m) for m in ("int8_float_io", "uint8_io", "f32", "f16", "dyn", "i16"))
    yield from ((name, "f32") for name in _FLOATS)
    yield from ((name, "i16") for name in _SHORT)


def main(folder: Path, only: list[str]) -> None:
    """Write the .tflite files of all, or of the networks named."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, mode in _jobs():
        if only and name not in only:
            continue
        try:
            model = _converted(_with_statistics(NETS[name]()), mode)
        except Exception as error:  # whatever a converter raises is its answer
            last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            print(f"{name}-{mode}: not converted: {last[:120]}", flush=True)
            continue
        (folder / f"{name}-{mode}.tflite").write_bytes(model)
        print(f"{name}-{mode}: {len(model):,} bytes", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: convert_models.py FOLDER [LAYERS ...]")
    main(Path(sys.argv[1]), sys.argv[2:])

"""Makes the model of this folder: it knows five commands as espeak-ng says them, and nothing else.

It has the inputs and outputs of a streaming Zipformer2 CTC model of sherpa-onnx, but inside it is one linear layer over a quarter of a
second, so that it is small and quick. Needs espeak-ng, and of Python numpy, scipy, onnx and kaldi-native-fbank:

    python3 train.py
"""

import io
import os
import subprocess
import wave

import kaldi_native_fbank as knf
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from scipy.optimize import minimize
from scipy.signal import resample_poly

COMMANDS = ["turn on the light", "open the door", "what time is it", "good night", "goodbye"]
WORDS = list(dict.fromkeys(word for command in COMMANDS for word in command.split()))
CLASSES = len(WORDS) + 1
RATE = 16_000
BINS = 80
# A window of 24 frames of 10 ms, averaged by fours; one window in four is looked at.
POOL, POOLED, STRIDE = 4, 6, 4
WINDOW = POOL * POOLED
CHUNK = 32
LENGTH = CHUNK - STRIDE + WINDOW
FOLDER = os.path.dirname(os.path.abspath(__file__))


def say(text):
    """Mono samples from -1 to 1 at 16 kHz, without the silence around them."""
    command = ["espeak-ng", "-v", "en-us", "-s", "140", "--stdin", "--stdout"]
    sound = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
    # The length in its header is that of an endless file.
    samples = np.frombuffer(sound[44:], dtype="<i2").astype(np.float32) / 32768
    with wave.open(io.BytesIO(sound)) as file:
        rate = file.getframerate()
    samples = resample_poly(samples, RATE, rate)
    loud = np.nonzero(np.abs(samples) > 0.01)[0]
    return samples[loud[0] : loud[-1] + 1].astype(np.float32)


def features(samples):
    """Mel bins a frame, as sherpa-onnx makes them."""
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = False
    options.frame_opts.samp_freq = RATE
    options.mel_opts.num_bins = BINS
    options.mel_opts.high_freq = -400
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(RATE, samples.tolist())
    fbank.input_finished()
    return np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])


def places(count, first, last):
    """The windows in which the words of a command are told."""
    if count == 1:
        return [round(last)]
    begin = first + (2 if count > 2 else 0.35 * (last - first))
    return [round(begin + (last - begin) * i / (count - 1)) for i in range(count)]


def windows(random):
    """Windows of commands that follow each other, each with its word; 0 for none."""
    sounds = {command: say(command) for command in COMMANDS}
    inputs, labels = [], []
    for _ in range(70):
        parts, spans, at = [], [], 0
        for command in random.permutation(COMMANDS):
            silence = np.zeros(random.integers(RATE // 4, RATE), np.float32)
            parts += [silence, sounds[command]]
            spans.append((command, at + len(silence), at + len(silence) + len(sounds[command])))
            at += len(silence) + len(sounds[command])
        frames = features(np.concatenate([*parts, np.zeros(RATE, np.float32)]))
        told = np.zeros(len(frames) - WINDOW + 1, int)
        for command, begin, end in spans:
            words = command.split()
            for word, place in zip(words, places(len(words), begin / 160, end / 160 - WINDOW + 4)):
                # Of the windows that are looked at, one falls into these four.
                told[place - 2 : place + 4] = -1
                told[place - 1 : place + 3] = WORDS.index(word) + 1
        for i in range(len(told)):
            if told[i] > 0 or (told[i] == 0 and random.random() < 0.4):
                inputs.append(frames[i : i + WINDOW].reshape(POOLED, POOL, BINS).mean(1).ravel())
                labels.append(told[i])
    return np.array(inputs, np.float32), np.array(labels)


def train(inputs, labels):
    """Weights and biases of a softmax regression."""
    mean, deviation = inputs.mean(0), inputs.std(0) + 0.5
    scaled = (inputs - mean) / deviation
    importance = np.where(labels > 0, 4.0, 1.0)
    count = len(labels)

    def loss(parameters):
        weights, biases = parameters[:-CLASSES].reshape(-1, CLASSES), parameters[-CLASSES:]
        scores = scaled @ weights + biases
        scores -= scores.max(1, keepdims=True)
        likelihoods = np.exp(scores)
        likelihoods /= likelihoods.sum(1, keepdims=True)
        chosen = likelihoods[np.arange(count), labels]
        value = -(importance * np.log(chosen + 1e-12)).mean() + 1e-4 * (weights**2).sum()
        slope = likelihoods
        slope[np.arange(count), labels] -= 1
        slope *= importance[:, None] / count
        return value, np.concatenate([(scaled.T @ slope + 2e-4 * weights).ravel(), slope.sum(0)])

    found = minimize(loss, np.zeros(scaled.shape[1] * CLASSES + CLASSES), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    weights, biases = found.x[:-CLASSES].reshape(-1, CLASSES), found.x[-CLASSES:]
    wrong = ((scaled @ weights + biases).argmax(1) != labels).sum()
    print(f"{wrong} of {count} windows are taken for another word")
    weights = weights / deviation[:, None]
    return weights, biases - mean @ weights


def model(weights, biases):
    """The layer as a graph whose states go through it unchanged."""
    floats, integers = TensorProto.FLOAT, TensorProto.INT64
    # One encoder of one layer, as small as can be; the shapes follow from the metadata below.
    states = [[1, "N", 1], [1, "N", 1, 3], [1, "N", 1], [1, "N", 1], ["N", 4, 1], ["N", 4, 1], ["N", 128, 3, 19], ["N"]]
    metadata = {
        "model_type": "zipformer2",
        "encoder_dims": "4",
        "query_head_dims": "1",
        "value_head_dims": "1",
        "num_heads": "1",
        "num_encoder_layers": "1",
        "cnn_module_kernels": "3",
        "left_context_len": "1",
        "T": str(LENGTH),
        "decode_chunk_len": str(CHUNK),
    }
    inputs = [helper.make_tensor_value_info("x", floats, ["N", LENGTH, BINS])]
    outputs = [helper.make_tensor_value_info("log_probs", floats, ["N", CHUNK // STRIDE, CLASSES])]
    nodes = [
        helper.make_node("Transpose", ["x"], ["bins"], perm=[0, 2, 1]),
        helper.make_node("AveragePool", ["bins"], ["pooled"], kernel_shape=[POOL], strides=[POOL]),
        helper.make_node("Conv", ["pooled", "weights", "biases"], ["scores"], kernel_shape=[POOLED]),
        helper.make_node("Transpose", ["scores"], ["by_time"], perm=[0, 2, 1]),
        helper.make_node("LogSoftmax", ["by_time"], ["log_probs"], axis=2),
    ]
    for i, shape in enumerate(states):
        kind = integers if len(shape) == 1 else floats
        inputs.append(helper.make_tensor_value_info(f"state_{i}", kind, shape))
        outputs.append(helper.make_tensor_value_info(f"new_state_{i}", kind, shape))
        nodes.append(helper.make_node("Identity", [f"state_{i}"], [f"new_state_{i}"]))
    kernel = weights.reshape(POOLED, BINS, CLASSES).transpose(2, 1, 0).astype(np.float32)
    constants = [
        numpy_helper.from_array(kernel, "weights"),
        numpy_helper.from_array(biases.astype(np.float32), "biases"),
    ]
    graph = helper.make_graph(nodes, "commands", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(made, metadata)
    onnx.checker.check_model(made)
    return made


if __name__ == "__main__":
    onnx.save(model(*train(*windows(np.random.default_rng(1)))), os.path.join(FOLDER, "ctc.onnx"))
    with open(os.path.join(FOLDER, "tokens.txt"), "w", encoding="utf8") as file:
        file.write("<blk> 0\n")
        file.writelines(f"▁{word} {i + 1}\n" for i, word in enumerate(WORDS))

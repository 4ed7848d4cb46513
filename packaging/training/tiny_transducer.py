"""Make the transducers of tests/data/tiny-transducer, whose weights are set by hand.

They hear how loud it is, not what is said: "loud" when sound begins, "soft" when it ends. So the
answer to any recording is known, and the real engine runs them as it would real ones: `offline`
in the shape of an icefall conformer, `online` in that of an icefall LSTM with its state.

Needs onnx:  python packaging/training/tiny_transducer.py tests/data/tiny-transducer
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOKENS = ("<blk>", "\u2581loud", "\u2581soft", "<unk>")
THRESHOLD = -4.0
"""Of the loudest mel band's log energy: silence has -15.9, quiet speech 0."""

NEVER = -100.0
SUBSAMPLING = 4
F32, I64 = TensorProto.FLOAT, TensorProto.INT64


def constant(name: str, value: object, kind: type = np.float32) -> onnx.TensorProto:
    """A weight."""
    return numpy_helper.from_array(np.asarray(value, kind), name)


def save(
    path: Path, nodes: list, inputs: list, outputs: list, *, weights: list, **facts: object
) -> None:
    """Check a graph and write it with the facts that sherpa-onnx reads."""
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {name: str(value) for name, value in facts.items()})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def loudness(frames: str) -> tuple[list, list]:
    """Nodes from features (N, T, 80) to a score (N, T', 1) in [-10, 10] for some of the frames."""
    nodes = [
        helper.make_node("Slice", ["x", "from", frames, "time", "every"], ["picked"]),
        helper.make_node("ReduceMax", ["picked"], ["peak"], axes=[2], keepdims=1),
        helper.make_node("Sub", ["peak", "threshold"], ["over"]),
        helper.make_node("Mul", ["over", "gain"], ["steep"]),
        helper.make_node("Clip", ["steep", "low", "high"], ["score"]),
    ]
    weights = [
        constant("from", [0], np.int64),
        constant("time", [1], np.int64),
        constant("every", [SUBSAMPLING], np.int64),
        constant("threshold", THRESHOLD),
        constant("gain", 5.0),
        constant("low", -10.0),
        constant("high", 10.0),
        constant("votes", [[0.0, 1.0, -1.0, 0.0]]),
    ]
    return nodes, weights


def make_offline_encoder(path: Path) -> None:
    """All frames at once."""
    nodes, weights = loudness("to")
    nodes += [
        helper.make_node("MatMul", ["score", "votes"], ["encoder_out"]),
        helper.make_node("Add", ["x_lens", "three"], ["rounded"]),
        helper.make_node("Div", ["rounded", "four"], ["encoder_out_lens"]),
    ]
    weights += [
        constant("to", [2**31], np.int64),
        constant("three", 3, np.int64),
        constant("four", 4, np.int64),
    ]
    inputs = [
        helper.make_tensor_value_info("x", F32, ["N", "T", 80]),
        helper.make_tensor_value_info("x_lens", I64, ["N"]),
    ]
    outputs = [
        helper.make_tensor_value_info("encoder_out", F32, ["N", "S", len(TOKENS)]),
        helper.make_tensor_value_info("encoder_out_lens", I64, ["N"]),
    ]
    save(path, nodes, inputs, outputs, weights=weights, model_type="conformer")


def make_online_encoder(path: Path) -> None:
    """One frame of four at a time; h holds the last score, and half of it counts."""
    nodes, weights = loudness("to")
    nodes += [
        helper.make_node("Transpose", ["h"], ["before"], perm=[1, 0, 2]),
        helper.make_node("Add", ["score", "before"], ["both"]),
        helper.make_node("MatMul", ["both", "votes"], ["encoder_out"]),
        helper.make_node("Transpose", ["score"], ["next_h"], perm=[1, 0, 2]),
        helper.make_node("Identity", ["c"], ["next_c"]),
    ]
    weights.append(constant("to", [SUBSAMPLING], np.int64))
    state = [1, "N", 1]
    inputs = [
        helper.make_tensor_value_info("x", F32, ["N", 9, 80]),
        helper.make_tensor_value_info("h", F32, state),
        helper.make_tensor_value_info("c", F32, state),
    ]
    outputs = [
        helper.make_tensor_value_info("encoder_out", F32, ["N", 1, len(TOKENS)]),
        helper.make_tensor_value_info("next_h", F32, state),
        helper.make_tensor_value_info("next_c", F32, state),
    ]
    facts = {
        "model_type": "lstm",
        "num_encoder_layers": 1,
        "T": 9,
        "decode_chunk_len": SUBSAMPLING,
        "rnn_hidden_size": 1,
        "d_model": 1,
    }
    save(path, nodes, inputs, outputs, weights=weights, **facts)


def make_decoder(path: Path) -> None:
    """What may follow: "soft" only after "loud", and neither twice in a row."""
    after_quiet, after_loud = [0, 0, NEVER, NEVER], [0, NEVER, 0, NEVER]
    nodes = [
        helper.make_node("Slice", ["y", "from", "to", "axis"], ["last"]),
        helper.make_node("Squeeze", ["last", "axis"], ["token"]),
        helper.make_node("Gather", ["table", "token"], ["decoder_out"]),
    ]
    weights = [
        constant("from", [1], np.int64),
        constant("to", [2], np.int64),
        constant("axis", [1], np.int64),
        constant("table", [after_quiet, after_loud, after_quiet, after_quiet]),
    ]
    inputs = [helper.make_tensor_value_info("y", I64, ["N", 2])]
    outputs = [helper.make_tensor_value_info("decoder_out", F32, ["N", len(TOKENS)])]
    facts = {"vocab_size": len(TOKENS), "context_size": 2}
    save(path, nodes, inputs, outputs, weights=weights, **facts)


def make_joiner(path: Path) -> None:
    """The sum of both."""
    nodes = [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])]
    inputs = [
        helper.make_tensor_value_info(name, F32, ["N", len(TOKENS)])
        for name in ("encoder_out", "decoder_out")
    ]
    outputs = [helper.make_tensor_value_info("logit", F32, ["N", len(TOKENS)])]
    save(path, nodes, inputs, outputs, weights=[], joiner_dim=len(TOKENS))


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    make_offline_encoder(folder / "offline-encoder.onnx")
    make_online_encoder(folder / "online-encoder.onnx")
    make_decoder(folder / "decoder.onnx")
    make_joiner(folder / "joiner.onnx")
    lines = [f"{token} {index}" for index, token in enumerate(TOKENS)]
    (folder / "tokens.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

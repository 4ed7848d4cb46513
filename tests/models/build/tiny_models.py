"""Models for tests, made on the spot: a TFLite graph of one operation, and a small BERT."""

import json
from pathlib import Path

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from safetensors.numpy import save_file

Floats = npt.NDArray[np.float32]

HIDDEN, HEADS, LAYERS, WORDS, POSITIONS = 64, 4, 2, 300, 24


def relu(numbers: int = 6, *, metadata: bytes = b"") -> bytes:
    """A TFLite file: float32 of shape (1, 1, 1, numbers) in, those above zero out."""
    shape = np.array([1, 1, 1, numbers], np.int32)
    tensors = [_tensor(b"in", shape), _tensor(b"out", shape)]
    operator = schema.OperatorT()
    operator.opcodeIndex = 0
    operator.inputs, operator.outputs = np.array([0], np.int32), np.array([1], np.int32)
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = tensors, [operator]
    graph.inputs, graph.outputs = np.array([0], np.int32), np.array([1], np.int32)
    kind = schema.OperatorCodeT()
    kind.deprecatedBuiltinCode = kind.builtinCode = schema.BuiltinOperator.RELU
    kind.version = 1
    model = schema.ModelT()
    model.version, model.description = 3, b"for a test"
    model.subgraphs, model.operatorCodes = [graph], [kind]
    model.buffers = [schema.BufferT()]
    if metadata:
        held = schema.BufferT()
        held.data = np.frombuffer(metadata, np.uint8)
        entry = schema.MetadataT()
        entry.name, entry.buffer = b"TFLITE_METADATA", 1
        model.buffers, model.metadata = [*model.buffers, held], [entry]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: bytes, shape: npt.NDArray[np.int32]) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, shape, 0
    tensor.type = schema.TensorType.FLOAT32
    return tensor


def bert(folder: Path, **config: object) -> dict[str, Path]:
    """The ingredients of a BERT with random weights, the same every time."""
    noise = np.random.default_rng(7)

    def weights(*shape: int) -> Floats:
        return noise.normal(0, 0.3, shape).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": weights(WORDS, HIDDEN),
        "embeddings.position_embeddings.weight": weights(POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": weights(2, HIDDEN),
    }
    sizes = {
        "attention.self.query": (HIDDEN, HIDDEN),
        "attention.self.key": (HIDDEN, HIDDEN),
        "attention.self.value": (HIDDEN, HIDDEN),
        "attention.output.dense": (HIDDEN, HIDDEN),
        "intermediate.dense": (2 * HIDDEN, HIDDEN),
        "output.dense": (HIDDEN, 2 * HIDDEN),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        for name, shape in sizes.items():
            tensors[f"{prefix}{name}.weight"] = weights(*shape)
            tensors[f"{prefix}{name}.bias"] = weights(shape[0])
        norms += [prefix + "attention.output.LayerNorm", prefix + "output.LayerNorm"]
    for name in norms:
        tensors[f"{name}.weight"] = 1 + weights(HIDDEN)
        tensors[f"{name}.bias"] = weights(HIDDEN)
    facts = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
    }
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(facts | config))
    return {name: folder / name for name in ("model.safetensors", "config.json")}

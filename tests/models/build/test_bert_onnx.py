"""A sentence encoder from a BERT's weights, against the same arithmetic in numpy."""

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from safetensors.numpy import load_file
from tiny_models import HEADS, HIDDEN, LAYERS, POSITIONS, bert

from edged.errors import ConfigError, CorruptModel, ModelMissing
from edged.models.build import make
from edged.models.graph_files import check_onnx
from edged.models.manifest import Build, Ingredient

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

SENTENCES = [[5, 17, 101, 3], [250, 9, 9, 42, 77, 1, 30], [8]]


def _build(parts: dict[str, Path], into: Path, **parameters: float) -> Path:
    plan = Build(
        builder="bert_onnx",
        ingredients=tuple(Ingredient(name=name) for name in parts),
        parameters=dict(parameters),
    )
    make(plan, parts, into)
    return into


def _padded(sentences: list[list[int]]) -> tuple[Ids, Ids]:
    width = max(map(len, sentences))
    ids = np.array([one + [0] * (width - len(one)) for one in sentences])
    mask = np.array([[1] * len(one) + [0] * (width - len(one)) for one in sentences])
    return ids, mask


def _embed(path: Path, sentences: list[list[int]]) -> Floats:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    ids, mask = _padded(sentences)
    found: list[Floats] = session.run(None, {"input_ids": ids, "attention_mask": mask})
    return found[0]


def _normalized(x: Floats, scale: Floats, shift: Floats) -> Floats:
    centred: Floats = x - x.mean(-1, keepdims=True)
    found: Floats = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * scale + shift
    return found


def _reference(parts: dict[str, Path], sentence: list[int]) -> Floats:
    """What one sentence without padding gives."""
    w = load_file(parts["model.safetensors"])

    def linear(x: Floats, name: str) -> Floats:
        found: Floats = x @ w[name + ".weight"].T + w[name + ".bias"]
        return found

    def norm(x: Floats, name: str) -> Floats:
        return _normalized(x, w[name + ".weight"], w[name + ".bias"])

    x = w["embeddings.word_embeddings.weight"][sentence]
    x = x + w["embeddings.position_embeddings.weight"][: len(sentence)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        q, k, v = (
            linear(x, f"{name}attention.self.{part}").reshape(-1, HEADS, HIDDEN // HEADS)
            for part in ("query", "key", "value")
        )
        scores = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(HIDDEN // HEADS)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        seen = np.einsum("hij,jhd->ihd", shares, v).reshape(-1, HIDDEN)
        x = norm(
            linear(seen, name + "attention.output.dense") + x, name + "attention.output.LayerNorm"
        )
        wide = linear(x, name + "intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        x = norm(linear(wide, name + "output.dense") + x, name + "output.LayerNorm")
    mean: Floats = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_in_32_bits_it_says_what_the_arithmetic_says(tmp_path: Path) -> None:
    parts = bert(tmp_path)

    found = _embed(_build(parts, tmp_path / "out.onnx", bits=32), SENTENCES)

    expected = np.stack([_reference(parts, one) for one in SENTENCES])
    assert found.shape == (3, HIDDEN)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_in_8_bits_it_is_close_and_smaller(tmp_path: Path) -> None:
    parts = bert(tmp_path)

    small = _build(parts, tmp_path / "small.onnx")

    found = _embed(small, SENTENCES)
    cosines = [
        float(one @ _reference(parts, ids)) for one, ids in zip(found, SENTENCES, strict=True)
    ]
    assert min(cosines) > 0.99
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert small.stat().st_size < parts["model.safetensors"].stat().st_size / 2
    check_onnx(small, name="made")


def test_a_sentence_has_the_same_vector_alone_and_in_a_padded_batch(tmp_path: Path) -> None:
    path = _build(bert(tmp_path), tmp_path / "out.onnx")

    together = _embed(path, SENTENCES)

    alone = np.concatenate([_embed(path, [one]) for one in SENTENCES])
    assert ((alone * together).sum(axis=1) > 0.9999).all()


def test_a_mask_that_keeps_nothing_gives_zeros(tmp_path: Path) -> None:
    path = _build(bert(tmp_path), tmp_path / "out.onnx")

    found = _embed(path, [[], [4]])

    assert not found[0].any()
    assert np.isfinite(found).all()


def test_the_same_weights_give_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    parts = bert(tmp_path)
    here = hashlib.sha256(_build(parts, tmp_path / "here.onnx").read_bytes()).hexdigest()
    code = (
        "import sys, hashlib; from pathlib import Path;"
        "from edged.models.build.bert_onnx import make; folder = Path(sys.argv[1]);"
        "parts = {name: folder / name for name in ('model.safetensors', 'config.json')};"
        "make({}, parts, Path(sys.argv[2]));"
        "print(hashlib.sha256(Path(sys.argv[2]).read_bytes()).hexdigest())"
    )

    found = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), str(tmp_path / f"{threads}.onnx")],
            env=os.environ | {"PYTHONHASHSEED": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for threads in ("1", "2")
    ]

    assert found == [here, here]


def test_more_tokens_than_positions_fail_instead_of_lying(tmp_path: Path) -> None:
    path = _build(bert(tmp_path), tmp_path / "out.onnx")

    with pytest.raises(Exception, match="Add"):
        _embed(path, [[1] * (POSITIONS + 1)])


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "roberta"},
        {"hidden_act": "relu"},
        {"num_attention_heads": 7},
        {"hidden_size": 32},
        {"num_hidden_layers": LAYERS + 1},
        {"position_embedding_type": "relative_key"},
    ],
)
def test_another_model_than_the_config_says_is_corrupt(
    tmp_path: Path, config: dict[str, object]
) -> None:
    parts = bert(tmp_path, **config)

    with pytest.raises(CorruptModel):
        _build(parts, tmp_path / "out.onnx")


def test_weights_that_are_cut_off_are_corrupt(tmp_path: Path) -> None:
    parts = bert(tmp_path)
    content = parts["model.safetensors"].read_bytes()
    parts["model.safetensors"].write_bytes(content[: len(content) // 2])

    with pytest.raises(CorruptModel, match=r"model\.safetensors cannot be read"):
        _build(parts, tmp_path / "out.onnx")


def test_an_ingredient_that_is_not_named_is_missed(tmp_path: Path) -> None:
    parts = bert(tmp_path)
    del parts["config.json"]

    with pytest.raises(ModelMissing, match=r"config\.json"):
        _build(parts, tmp_path / "out.onnx")


def test_bits_that_are_not_offered_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="bits"):
        _build(bert(tmp_path), tmp_path / "out.onnx", bits=5)


def test_the_default_encoder_knows_neighbours(pulled: Path) -> None:
    """The real one, as it was pulled and built; its hash is held by the pull."""
    tokenizers = pytest.importorskip("tokenizers")
    folder = pulled / "all-minilm-l6-v2-8bit"
    if not (folder / "model.onnx").exists():
        pytest.skip("all-minilm-l6-v2-8bit was not pulled: `make models`")
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    texts = [
        "A kitten slept beside the fire.",
        "The bank refused to give him a loan.",
        "Heavy rain is expected tomorrow afternoon.",
        "How do I reset my password?",
    ]
    questions = [
        "The cat lies by the warm stove.",
        "He could not borrow money.",
        "It will be wet outside.",
        "I forgot my login and want a new one.",
    ]

    known = _embed(folder / "model.onnx", [one.ids for one in tokenizer.encode_batch(texts)])
    asked = _embed(folder / "model.onnx", [one.ids for one in tokenizer.encode_batch(questions)])

    assert (asked @ known.T).argmax(axis=1).tolist() == [0, 1, 2, 3]

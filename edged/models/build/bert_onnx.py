"""Makes an ONNX sentence encoder from the weights of a BERT: tokens in, one unit-length vector out.

Ingredients: `model.safetensors`, `config.json` as the transformers library writes them.
Parameters:
    bits: of the weights: 8 (default) or 32.

The graph takes `input_ids` and `attention_mask`, int64, shape (batch, length), both free, and gives
`embedding`, float32, shape (batch, hidden size): the mean over the tokens that the mask keeps, as
sentence-transformers pools them. A vector does not depend on what else is in its batch, but for
rounding. Tokens are all of the first type; a length beyond the model's positions fails.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct
from safetensors import SafetensorError
from safetensors.numpy import load_file

from edged.errors import ConfigError, CorruptModel
from edged.models.build.graph import GraphBuilder, content_of
from edged.models.build.parameters import check_known, ingredient, numbers_of
from edged.models.runtime import Parameter

PARAMETERS = frozenset({"bits"})
BITS = (8, 32)

_MASKED = -10_000.0
"""Added to the scores of tokens that the mask leaves out. Source: transformers, BERT."""
_TINY = 1e-12

Weights = Mapping[str, npt.NDArray[np.float32]]


class BertConfig(Struct, frozen=True, kw_only=True):
    """What of a BERT's config.json shapes the graph."""

    model_type: Literal["bert"]
    hidden_act: Literal["gelu"]
    hidden_size: Annotated[int, Meta(ge=1)]
    num_attention_heads: Annotated[int, Meta(ge=1)]
    num_hidden_layers: Annotated[int, Meta(ge=1, le=100)]
    layer_norm_eps: Annotated[float, Meta(gt=0)] = 1e-12
    position_embedding_type: Literal["absolute"] = "absolute"

    @property
    def head_size(self) -> int:
        """Numbers per attention head."""
        return self.hidden_size // self.num_attention_heads


def make(parameters: Mapping[str, Parameter], ingredients: Mapping[str, Path], into: Path) -> None:
    """Write a sentence encoder; see edged.models.build.make."""
    check_known(parameters, PARAMETERS)
    (bits,) = numbers_of(parameters, "bits", (8,))[:1]
    if bits not in BITS:
        raise ConfigError("parameter bits of the builder is unknown", fix="give 8 or 32")
    config = _config(ingredient(ingredients, "config.json"))
    weights = _weights(ingredient(ingredients, "model.safetensors"))
    try:
        content = _Encoder(config, weights, int(bits)).content()
    except (KeyError, ValueError) as error:
        raise CorruptModel("the weights are not those of the config's BERT") from error
    into.write_bytes(content)


def _config(path: Path) -> BertConfig:
    try:
        config = msgspec.json.decode(path.read_bytes(), type=BertConfig)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptModel("config.json is not that of a BERT that can be built") from error
    if config.hidden_size % config.num_attention_heads:
        raise CorruptModel("the attention heads of the BERT do not divide its width")
    return config


def _weights(path: Path) -> Weights:
    """By their names without a leading `bert.`, in float32."""
    try:
        found = load_file(path)
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise CorruptModel("model.safetensors cannot be read") from error
    return {
        name.removeprefix("bert."): np.asarray(value, np.float32) for name, value in found.items()
    }


class _Encoder:
    """Writes the graph layer by layer; x is always the name of the tokens' vectors so far."""

    def __init__(self, config: BertConfig, weights: Weights, bits: int) -> None:
        self._config = config
        self._weights = weights
        self._bits = bits
        self._graph = GraphBuilder()

    def content(self) -> bytes:
        graph = self._graph
        mask = graph.node("Cast", "attention_mask", attributes={"to": 1})  # FLOAT
        hidden = graph.node("Sub", graph.real("one", 1), mask)
        bias = graph.node("Mul", hidden, graph.real("masked", _MASKED))
        bias = graph.node("Unsqueeze", bias, graph.whole("heads_and_tokens", 1, 2))
        x = self._embed()
        for number in range(self._config.num_hidden_layers):
            x = self._layer(x, f"encoder.layer.{number}.", bias)
        shape = ("batch", "length")
        model = graph.model(
            "sentence_encoder",
            {"input_ids": shape, "attention_mask": shape},
            {"embedding": (self._pool(x, mask), ("batch", self._config.hidden_size))},
        )
        return content_of(model)

    def _embed(self) -> str:
        """Words and positions; the type of all tokens is part of the positions."""
        graph, weights = self._graph, self._weights
        if weights["embeddings.word_embeddings.weight"].shape[1:] != (self._config.hidden_size,):
            raise CorruptModel("the weights have not the width that the config says")
        words = graph.rows(
            "words", weights["embeddings.word_embeddings.weight"], "input_ids", self._bits
        )
        positions = weights["embeddings.position_embeddings.weight"]
        positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
        zero, one, two = (graph.whole(f"index_{n}", n) for n in range(3))
        length = graph.node("Slice", graph.node("Shape", "input_ids"), one, two)
        place = graph.node("Slice", graph.constant("positions", positions), zero, length, zero)
        return self._normalized(graph.node("Add", words, place), "embeddings.LayerNorm")

    def _layer(self, x: str, prefix: str, bias: str) -> str:
        graph = self._graph
        attended = self._linear(self._attention(x, prefix, bias), prefix + "attention.output.dense")
        x = self._normalized(graph.node("Add", attended, x), prefix + "attention.output.LayerNorm")
        wide = graph.node("Gelu", self._linear(x, prefix + "intermediate.dense"))
        narrow = self._linear(wide, prefix + "output.dense")
        return self._normalized(graph.node("Add", narrow, x), prefix + "output.LayerNorm")

    def _attention(self, x: str, prefix: str, bias: str) -> str:
        graph = self._graph
        query = self._heads(x, prefix + "attention.self.query", (0, 2, 1, 3))
        key = self._heads(x, prefix + "attention.self.key", (0, 2, 3, 1))
        value = self._heads(x, prefix + "attention.self.value", (0, 2, 1, 3))
        scale = graph.real("scale", self._config.head_size**-0.5)
        scores = graph.node("Mul", graph.node("MatMul", query, key), scale)
        shares = graph.node("Softmax", graph.node("Add", scores, bias), attributes={"axis": -1})
        seen = graph.node("MatMul", shares, value)
        seen = graph.node("Transpose", seen, attributes={"perm": (0, 2, 1, 3)})
        return graph.node("Reshape", seen, graph.whole("joined", 0, 0, self._config.hidden_size))

    def _heads(self, x: str, name: str, order: tuple[int, ...]) -> str:
        config = self._config
        split = self._graph.whole("split", 0, 0, config.num_attention_heads, config.head_size)
        parts = self._graph.node("Reshape", self._linear(x, name), split)
        return self._graph.node("Transpose", parts, attributes={"perm": order})

    def _linear(self, x: str, name: str) -> str:
        graph = self._graph
        found = graph.product(x, name, self._weights[name + ".weight"].T, self._bits)
        return graph.node(
            "Add", found, graph.constant(name + ".bias", self._weights[name + ".bias"])
        )

    def _normalized(self, x: str, name: str) -> str:
        graph = self._graph
        return graph.node(
            "LayerNormalization",
            x,
            graph.constant(name + ".scale", self._weights[name + ".weight"]),
            graph.constant(name + ".shift", self._weights[name + ".bias"]),
            attributes={"axis": -1, "epsilon": self._config.layer_norm_eps},
        )

    def _pool(self, x: str, mask: str) -> str:
        """The mean of the tokens that count, with length 1; zeros when none counts."""
        graph = self._graph
        one, tiny = graph.whole("index_1", 1), graph.real("tiny", _TINY)
        kept = graph.node("Mul", x, graph.node("Unsqueeze", mask, graph.whole("index_2", 2)))
        total = graph.node("ReduceSum", kept, one, attributes={"keepdims": 0})
        count = graph.node("ReduceSum", mask, one, attributes={"keepdims": 1})
        mean = graph.node("Div", total, graph.node("Max", count, tiny))
        length = graph.node("ReduceL2", mean, one, attributes={"keepdims": 1})
        return graph.node("Div", mean, graph.node("Max", length, tiny))

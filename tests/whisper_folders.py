"""A Whisper of one layer and no knowledge, whose one opinion is about languages."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from ctranslate2.specs import WhisperSpec
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

WIDTH, STATES, MELS, FRAMES, PLACES = 8, 51_865, 80, 1500, 448
LANGUAGES = ("en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr")
END = 50_257
SIGNS = ("translate", "transcribe", "startoflm", "startofprev", "nocaptions", "notimestamps")
FIRST_LANGUAGE = 50_259
"""Its number in Whisper's vocabulary."""


def write_opinion(folder: Path, weights: Mapping[str, float]) -> Path:
    """A folder of CTranslate2's whose decoder gives each language this weight, others 1.

    All weights are zero but the last normalization's shift, which looks at the first number of each
    token's vector: the logarithm of its language's weight.
    """
    spec = WhisperSpec(1, 1, 1, 1)
    vectors = np.zeros((STATES, WIDTH), np.float32)
    for place, language in enumerate(LANGUAGES):
        vectors[FIRST_LANGUAGE + place, 0] = np.log(weights.get(language, 1.0))
    vectors[END, 0] = np.log(1000.0)  # what it says is over at once
    _fill(spec, vectors)
    tokens = [f"t{number}" for number in range(STATES)]
    tokens[50_256] = ""  # by this CTranslate2 tells a multilingual vocabulary
    tokens[END:FIRST_LANGUAGE] = ["<|endoftext|>", "<|startoftranscript|>"]
    for place, language in enumerate(LANGUAGES):
        tokens[FIRST_LANGUAGE + place] = f"<|{language}|>"
    tokens[50_358:50_364] = [f"<|{sign}|>" for sign in SIGNS]
    spec.register_vocabulary(tokens)
    spec.config.lang_ids = list(range(FIRST_LANGUAGE, FIRST_LANGUAGE + len(LANGUAGES)))
    spec.config.alignment_heads = [[0, 0]]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    numbers = {token: number for number, token in enumerate(tokens)}
    Tokenizer(WordLevel(vocab=numbers, unk_token=tokens[0])).save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))
    return folder


def _fill(spec: WhisperSpec, vectors: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> None:
    def zeros(*shape: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        return np.zeros(shape, np.float32)

    spec.encoder.conv1.weight, spec.encoder.conv1.bias = zeros(WIDTH, MELS, 3), zeros(WIDTH)
    spec.encoder.conv2.weight, spec.encoder.conv2.bias = zeros(WIDTH, WIDTH, 3), zeros(WIDTH)
    spec.encoder.position_encodings.encodings = zeros(FRAMES, WIDTH)
    spec.decoder.position_encodings.encodings = zeros(PLACES, WIDTH)
    spec.decoder.embeddings.weight = vectors
    spec.decoder.projection.weight = vectors
    spec.decoder.scale_embeddings = False
    for stack in (spec.encoder, spec.decoder):
        _norm(stack.layer_norm)
        for layer in stack.layer:
            _attention(layer.self_attention, 3 * WIDTH, WIDTH)
            if hasattr(layer, "attention"):
                _attention(layer.attention, WIDTH, 2 * WIDTH, WIDTH)
            _norm(layer.ffn.layer_norm)
            layer.ffn.linear_0.weight, layer.ffn.linear_0.bias = zeros(16, WIDTH), zeros(16)
            layer.ffn.linear_1.weight, layer.ffn.linear_1.bias = zeros(WIDTH, 16), zeros(WIDTH)
    spec.decoder.layer_norm.beta = np.eye(1, WIDTH, dtype=np.float32)[0]


def _norm(norm: object) -> None:
    norm.gamma = np.ones(WIDTH, np.float32)  # type: ignore[attr-defined] # the engine's spec
    norm.beta = np.zeros(WIDTH, np.float32)  # type: ignore[attr-defined] # the engine's spec


def _attention(attention: object, *rows: int) -> None:
    _norm(attention.layer_norm)  # type: ignore[attr-defined] # the engine's spec
    for linear, count in zip(attention.linear, rows, strict=True):  # type: ignore[attr-defined]
        linear.weight = np.zeros((count, WIDTH), np.float32)
        linear.bias = np.zeros(count, np.float32)

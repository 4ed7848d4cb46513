"""text_classify over graphs with known answers: words, pieces, and texts as they are."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_graphs import FakeGraph, spec, tensor

from edged.errors import CorruptModel, EngineMissing, ModelMissing
from edged.models.presets import adapt, texts
from edged.models.presets.texts import LabelledText
from edged.models.runtime import ClassifyOptions, Text

VOCABULARY = "<PAD> 0\n<START> 1\n<UNKNOWN> 2\ngood 7\nbad 8\nisn't 9\n"
PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "##ly", "day")


def fair(**_: Any) -> dict[str, Any]:
    return {"y": np.array([[0.25, 0.75]], np.float32)}


def reader(
    inputs: Any, files: dict[str, Path], **parameters: Any
) -> tuple[LabelledText, FakeGraph]:
    graph = FakeGraph(inputs, [tensor("y", (1, 2))], fair)
    described = spec(
        "text_classify",
        files={name: str(path) for name, path in files.items()},
        labels=("Negative", "Positive"),
        parameters=parameters,
    )
    return LabelledText(graph, described), graph


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text(VOCABULARY)
    return path


@pytest.fixture
def pieces(tmp_path: Path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(PIECES) + "\n")
    return path


def words_of(text: str, path: Path, **parameters: Any) -> list[int]:
    """What a graph of eight words is given."""
    facts = {"kind": "regex_tokens", "vocabulary": "words.txt", **parameters}
    model, graph = reader([tensor("x", (1, 8), "int32")], {"words.txt": path}, **facts)
    model.label(Text(text=text), ClassifyOptions())
    found: list[int] = graph.input[0].tolist()
    return found


def test_words_become_their_numbers_behind_the_start_and_before_the_filling(
    vocabulary: Path,
) -> None:
    assert words_of("Good, it isn't  BAD!", vocabulary) == [1, 7, 2, 9, 8, 0, 0, 0]


def test_a_text_that_is_too_long_loses_its_end(vocabulary: Path) -> None:
    assert words_of("good " * 20 + "bad", vocabulary) == [1, *[7] * 7]


def test_case_and_delimiter_are_the_manifests_to_say(vocabulary: Path) -> None:
    assert words_of("Good good", vocabulary, lower=False)[:3] == [1, 2, 7]
    assert words_of("good|bad", vocabulary, delimiter=r"\|")[:3] == [1, 7, 8]


def test_a_list_without_numbers_counts_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("<UNKNOWN>\nbad\ngood\n")

    assert words_of("so good", path) == [0, 2, 0, 0, 0, 0, 0, 0]


def test_the_labels_of_a_text_come_with_their_scores(vocabulary: Path) -> None:
    model, _ = reader(
        [tensor("x", (1, 8), "int32")], {"words.txt": vocabulary}, vocabulary="words.txt"
    )

    found = model.label(Text(text="good"), ClassifyOptions(top_k=1)).classes

    assert [(one.label, one.score, one.index) for one in found] == [("Positive", 0.75, 1)]
    assert model.canary() == "1"


BERT = [
    tensor("input_ids", (1, 6), "int64"),
    tensor("attention_mask", (1, 6), "int64"),
    tensor("token_type_ids", (1, 6), "int64"),
]


def test_pieces_of_words_and_which_of_them_count(pieces: Path) -> None:
    model, graph = reader(BERT, {"vocab.txt": pieces})

    model.label(Text(text="Goodly day"), ClassifyOptions())

    assert graph.seen["input_ids"].tolist() == [[2, 4, 6, 7, 3, 0]]
    assert graph.seen["attention_mask"].tolist() == [[1, 1, 1, 1, 1, 0]]
    assert graph.seen["token_type_ids"].tolist() == [[0] * 6]


def test_a_graph_of_any_length_gets_no_filling_but_has_an_end(pieces: Path) -> None:
    inputs = [tensor("input_ids", (-1, -1), "int64"), tensor("attention_mask", (-1, -1), "int64")]
    model, graph = reader(inputs, {"vocab.txt": pieces}, kind="wordpiece", max_tokens=5)

    model.label(Text(text="good"), ClassifyOptions())
    assert graph.seen["input_ids"].tolist() == [[2, 4, 3]]
    model.label(Text(text="good " * 50), ClassifyOptions())
    assert graph.seen["input_ids"].tolist() == [[2, 4, 4, 4, 3]]


def test_a_tokenizer_of_its_own_says_how_texts_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(
        json.dumps(
            {
                "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
                "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
                "post_processor": None, "decoder": None,
                "model": {"type": "WordLevel", "vocab": {"good": 5, "?": 1}, "unk_token": "?"},
            }
        )
    )  # fmt: skip
    model, graph = reader([tensor("ids", (1, -1), "int32")], {"tokenizer.json": path})

    model.label(Text(text="GOOD grief"), ClassifyOptions())

    assert graph.input.tolist() == [[5, 1]]


def test_a_graph_may_take_the_text_itself() -> None:
    model, graph = reader([tensor("text", (-1, 1), "string")], {})

    model.label(Text(text="wörds"), ClassifyOptions())

    assert graph.input.tolist() == [["wörds"]]


def test_a_tokenizer_that_is_none_is_refused(tmp_path: Path, pieces: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")

    with pytest.raises(CorruptModel, match="tokenizer of fake cannot be read"):
        reader(BERT, {"tokenizer.json": path})
    with pytest.raises(ModelMissing, match="tokenizer of fake is not there"):
        reader(BERT, {"tokenizer.json": tmp_path / "gone.json"})
    with pytest.raises(CorruptModel, match="not those of BERT"):
        reader([*BERT, tensor("pixels", (1, 6), "int64")], {"vocab.txt": pieces})


def test_a_package_that_is_not_there_is_told_with_the_extra_that_brings_it(
    pieces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "edged.models.presets.pieces", raising=False)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    described = spec("text_classify", files={"vocab.txt": str(pieces)})

    with pytest.raises(EngineMissing, match="package tokenizers") as caught:
        adapt(FakeGraph(BERT, [tensor("y", (1, 2))], fair), described)

    assert caught.value.fix == "pip install 'edged[language]'"


WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "any number of words": ([tensor("x", (1, -1), "int32")], {"kind": "regex_tokens"}, "fixed number"),
    "no vocabulary": ([tensor("x", (1, 8), "int32")], {"kind": "regex_tokens"}, "no vocabulary"),
    "a delimiter that is none": ([tensor("x", (1, 8), "int32")], {"delimiter": "["}, "delimiter"),
    "two texts": ([tensor("x", (2,), "string")], {}, "one text"),
    "no such kind": ([tensor("x", (1, 8), "int32")], {"kind": "bpe"}, "kind"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_when_it_is_loaded(case: str) -> None:
    inputs, parameters, named = WRONG[case]

    with pytest.raises(CorruptModel, match=named):
        reader(inputs, {}, **parameters)


def test_a_text_in_an_error_is_never_the_users() -> None:
    """What a text holds is nobody's business: a wrong score is told without it."""
    graph = FakeGraph(
        [tensor("text", (1,), "string")], [tensor("y", (1, 1))], {"y": np.array([[5.0]])}
    )
    model = texts.LabelledText(graph, spec("text_classify"))

    with pytest.raises(CorruptModel) as caught:
        model.label(Text(text="my secret"), ClassifyOptions())

    assert "secret" not in f"{caught.value.message} {caught.value.fix} {caught.value.details}"

"""Tensors on the command line, compared with numpy's own files."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from edged.cli import arrays
from edged.errors import BadRequest
from edged.messages.records import Quantization, SignatureTensor, TensorFacts

DTYPES = [
    "float32", "float64", "float16", "int64", "int32", "int16", "int8",
    "uint64", "uint32", "uint16", "uint8", "bool",
]  # fmt: skip


def saved(folder: Path, array: npt.ArrayLike) -> Path:
    path = folder / "x.npy"
    np.save(path, array)
    return path


@given(
    array=st.sampled_from(DTYPES).flatmap(
        lambda name: arrays_of.arrays(
            np.dtype(name), arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0)
        )
    )
)
def test_numpys_files_are_read_and_ours_are_numpys(
    array: npt.NDArray[np.generic], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tensor = arrays.read_npy("x", saved(tmp_path_factory.mktemp("npy"), array))

    assert (tensor.facts.dtype, tensor.facts.shape) == (array.dtype.name, array.shape)
    assert tensor.data == array.tobytes()
    np.testing.assert_array_equal(np.load(io.BytesIO(arrays.npy(tensor))), array)
    assert (len(arrays.npy(tensor)) - len(tensor.data)) % 64 == 0


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(2, ">f4"),
        np.zeros(2, "c8"),
        np.array(["a"]),
        np.asfortranarray(np.zeros((2, 3))),
        np.zeros(2, [("a", "i4")]),
    ],
)
def test_arrays_that_cannot_be_sent_are_refused(
    array: npt.NDArray[np.generic], tmp_path: Path
) -> None:
    with pytest.raises(BadRequest, match="x"):
        arrays.read_npy("x", saved(tmp_path, array))


@given(data=st.binary(max_size=200))
def test_what_is_no_array_is_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    for head in (b"", b"\x93NUMPY\x01\x00\x40\x00", b"\x93NUMPY\x02\x00\x40\x00\x00\x00"):
        path.write_bytes(head + data)
        with pytest.raises(BadRequest):
            arrays.read_npy("x", path)


def wanted(dtype: str, *shape: int, scale: float = 0.0) -> SignatureTensor:
    quantized = Quantization(scale=scale, zero_point=0) if scale else None
    return SignatureTensor(name="x", dtype=dtype, shape=shape, quantized=quantized)  # type: ignore[arg-type] # one of DTYPES


@pytest.mark.parametrize(
    ("tensor", "words", "shape", "values"),
    [
        (wanted("float32", -1, 3), ["1", "2", "3.5"], (1, 3), [1.0, 2.0, 3.5]),
        (wanted("int64", -1, -1), ["1", "2"], (1, 2), [1, 2]),
        (wanted("bool", 2), ["true", "0"], (2,), [True, False]),
        (wanted("string", -1), ["a", "bc"], (2,), ["a", "bc"]),
        (wanted("float32"), ["7"], (), [7.0]),
        (wanted("uint8", 1, scale=0.5), ["0.5"], (1,), [0.5]),
    ],
)
def test_typed_values_become_the_tensor_that_a_graph_takes(
    tensor: SignatureTensor, words: list[str], shape: tuple[int, ...], values: list[object]
) -> None:
    found = arrays.from_words(tensor, words, real=True)

    assert found.facts.shape == shape
    assert arrays.values_of(found) == values


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (wanted("float32", 2), ["1"]),
        (wanted("uint8", 1), ["256"]),
        (wanted("int32", 1), ["1.5"]),
        (wanted("bool", 1), ["maybe"]),
        (wanted("float16", 1), ["1e9"]),
    ],
)
def test_typed_values_that_do_not_fit_are_refused(
    tensor: SignatureTensor, words: list[str]
) -> None:
    with pytest.raises(BadRequest, match="x"):
        arrays.from_words(tensor, words, real=False)


def test_outputs_are_told_apart_and_their_files_have_safe_names() -> None:
    numbers = TensorFacts(name="n", dtype="int16", shape=(2,))
    words = TensorFacts(name="w", dtype="string", shape=(2,))
    data = b"\x01\0\x02\0" + b"\x01\0\0\0a" + b"\0\0\0\0"

    found = arrays.apart((numbers, words, numbers), data + b"\x03\0\x04\0")

    assert [arrays.values_of(one) for one in found] == [[1, 2], ["a", ""], [3, 4]]
    assert arrays.file_name("../a/b:0", 1) == "01_.._a_b_0"

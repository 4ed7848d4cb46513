"""Stored integers and real numbers stand for each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.messages.records import Quantization, SignatureTensor, TensorType
from edged.models.engines import quantized


def facts(dtype: TensorType, scale: float, zero_point: int) -> SignatureTensor:
    found = Quantization(scale=scale, zero_point=zero_point)
    return SignatureTensor(name="x", dtype=dtype, shape=(-1,), quantized=found)


@given(
    values=st.lists(st.integers(-128, 127)),
    scale=st.floats(1e-4, 10),
    zero_point=st.integers(-128, 127),
)
def test_every_stored_number_comes_back(values: list[int], scale: float, zero_point: int) -> None:
    tensor = facts("int8", scale, zero_point)
    stored = np.array(values, np.int8)

    numbers = quantized.real([tensor], {"x": stored})
    again = quantized.stored([tensor], numbers)

    assert numbers["x"].dtype == np.float32
    assert again["x"].dtype == np.int8
    np.testing.assert_array_equal(again["x"], stored)


@pytest.mark.parametrize(
    ("number", "stored"),
    [(0.0, 128), (1.26, 131), (-1000.0, 0), (1000.0, 255), (np.inf, 255), (np.nan, 128)],
)
def test_numbers_are_rounded_and_clipped(number: float, stored: int) -> None:
    tensor = facts("uint8", 0.5, 128)

    found = quantized.stored([tensor], {"x": np.array([number], np.float32)})

    assert found["x"].tolist() == [stored]


def test_what_is_not_quantized_stays() -> None:
    tensor = SignatureTensor(name="x", dtype="float32", shape=(-1,))
    array = np.array([1.5], np.float32)

    assert quantized.stored([tensor], {"x": array})["x"] is array
    assert quantized.real([tensor], {"x": array})["x"] is array

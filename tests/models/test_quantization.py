import zlib

import pytest
import torch

from ganstyle.models.quantization import dequantize, quantize


def test_eleven_bit_quantization_per_row() -> None:
    torch.manual_seed(0)
    kernel = torch.randn(5, 3, 3, 3) * torch.tensor([1e-6, 1.0, 1e4, 1.0, 0.0]).view(-1, 1, 1, 1)
    packed = quantize({"a.weight": kernel, "a.bias": torch.tensor([0.1, 2.0])})
    assert {name: (tuple(t.shape), t.dtype) for name, t in packed.items()} == {
        "a.weight": ((2, 5, 3, 3, 3), torch.uint8),
        "a.weight.scale": ((5,), torch.float32),
        "a.bias": ((2,), torch.float32),
    }
    restored = dequantize(packed)
    assert list(restored) == ["a.weight", "a.bias"]
    error = (restored["a.weight"] - kernel).abs().flatten(1).amax(1)
    assert (error <= kernel.abs().flatten(1).amax(1) / 2000).all()
    assert torch.equal(restored["a.bias"], torch.tensor([0.1, 2.0]))


@pytest.mark.parametrize("bits", [2, 5, 8, 9, 10, 11, 16])
def test_error_is_half_a_step(bits: int) -> None:
    matrix = torch.randn(4, 100)
    packed = quantize({"a": matrix}, bits=bits)
    assert packed["a"].dtype == (torch.int8 if bits <= 8 else torch.uint8)
    error = (dequantize(packed)["a"] - matrix).abs().amax(1)
    assert (error <= 1.01 * matrix.abs().amax(1) / (2**bits - 2)).all()
    assert (error >= 0.5 * matrix.abs().amax(1) / (2**bits - 2)).all()  # no finer than it says


def test_sixteen_bit_integers_that_earlier_files_hold_whole() -> None:
    kernel = torch.randn(4, 3, 5, 5)
    packed = quantize({"a": kernel})
    low, high = packed["a"].int()
    whole = torch.where(high > 127, high - 256, high) * 256 + low
    earlier = packed | {"a": whole.short()}
    assert torch.equal(dequantize(earlier)["a"], dequantize(packed)["a"])


def test_bytes_that_lie_apart_compress_better() -> None:
    packed = quantize({"a": torch.randn(64, 64, 3, 3, generator=torch.Generator().manual_seed(0))})["a"]
    low, high = packed.int()
    together = torch.stack([low, high], -1).byte()  # as integers of 16 bits lie
    assert len(_zipped(packed)) < 0.95 * len(_zipped(together))


def _zipped(tensor: torch.Tensor) -> bytes:
    return zlib.compress(tensor.numpy().tobytes())


def test_integers_and_unquantized_tensors_are_unchanged() -> None:
    tensors = {"count": torch.arange(6).view(2, 3), "scale": torch.ones(2), "x.scale": torch.ones(3)}
    for result in (quantize(tensors), dequantize(tensors)):
        assert all(torch.equal(result[name], tensor) for name, tensor in tensors.items())
        assert list(result) == list(tensors)

import gc
import http.server
import io
import os
import pickle
import threading
import urllib.request
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganstyle.errors import GanstyleError, WeightsError
from ganstyle.models import DistilledFeatures, VGG16Features, VGG16Student
from ganstyle.weights import (
    VGG16_FILE,
    VGG16_URL,
    WeightsFile,
    find_vgg16,
    inception_cache,
    load_vgg16,
    vgg16_cache,
)
from ganstyle.weights import files as weights
from ganstyle.weights.student import save_student

CONTENT = b"These are the weights."
DIGEST = sha256(CONTENT).hexdigest()


def one_line(error: BaseException) -> str:
    assert isinstance(error, GanstyleError)
    message = str(error)
    assert "\n" not in message
    assert len(message) < 500
    return message


def names_the_way_out(message: str) -> bool:
    return VGG16_URL in message and "GANSTYLE_VGG16" in message and "--vgg" in message


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``CONTENT`` pass for torchvision's file, which is too large for a test."""
    monkeypatch.setattr(weights, "_HASH_PREFIX", DIGEST[:8])


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test when a download is so much as tried."""
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("asked the network"))


@pytest.fixture
def nothing_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the distilled network out of the installation."""
    monkeypatch.setattr(weights, "shipped_student", lambda: tmp_path / "nothing.safetensors")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a small student ship."""
    path = tmp_path / "shipped.safetensors"
    save_student(path, VGG16Student((4, 64, 4, 128, 8, 8, 256)), {})
    monkeypatch.setattr(weights, "shipped_student", lambda: path)
    return path


def put_into_cache(content: bytes = CONTENT) -> Path:
    path = vgg16_cache()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


# --- which file


def test_the_cache_is_torchvisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert vgg16_cache() == tmp_path / "hub" / "checkpoints" / VGG16_FILE
    assert inception_cache() == tmp_path / "hub" / "checkpoints" / "inception-2015-12-05.pt"
    monkeypatch.setenv("GANSTYLE_INCEPTION", str(tmp_path / "mine.pt"))
    assert inception_cache() == tmp_path / "mine.pt"


def test_the_hash_is_the_one_in_torchvisions_name() -> None:
    from torchvision.models import VGG16_Weights

    assert VGG16_Weights.IMAGENET1K_FEATURES.url == VGG16_URL
    assert weights._HASH_PREFIX == "88682ab5"


@pytest.mark.usefixtures("known", "no_network")
def test_auto_takes_the_named_file_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_cache()
    named = tmp_path / "mine.safetensors"
    named.write_bytes(b"others")
    monkeypatch.setenv("GANSTYLE_VGG16", str(named))
    found = find_vgg16()
    assert found == WeightsFile(
        "VGG-16 (mine)", named, sha256(b"others").hexdigest(), "GANSTYLE_VGG16 names it"
    )


@pytest.mark.usefixtures("known", "no_network")
def test_auto_takes_the_cache_second() -> None:
    cached = put_into_cache()
    found = find_vgg16("auto")
    assert (found.path, found.sha256) == (cached, DIGEST)
    assert "ImageNet" in found.name
    assert "cache" in found.reason


@pytest.mark.usefixtures("known", "no_network")
def test_imagenet_means_torchvisions_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = put_into_cache()
    monkeypatch.setenv("GANSTYLE_VGG16", str(tmp_path / "missing"))
    assert find_vgg16("imagenet").path == cached


@pytest.mark.usefixtures("known", "no_network")
def test_a_path_comes_before_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_cache()
    monkeypatch.setenv("GANSTYLE_VGG16", str(tmp_path / "missing"))
    path = tmp_path / "copy.pth"
    path.write_bytes(CONTENT)
    found = find_vgg16(str(path))
    assert found.path == path
    assert found.sha256 == DIGEST
    assert "ImageNet" in found.name  # known by its content, not by its name


@pytest.mark.usefixtures("no_network")
def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "missing.safetensors"
    with pytest.raises(WeightsError) as caught:
        find_vgg16(str(missing))
    assert one_line(caught.value).startswith(f"{missing}: no such file")
    monkeypatch.setenv("GANSTYLE_VGG16", str(missing))
    with pytest.raises(WeightsError) as caught:
        find_vgg16()
    message = one_line(caught.value)
    assert message.startswith(f"{missing}: no such file")
    assert "GANSTYLE_VGG16" in message


@pytest.mark.usefixtures("no_network")
def test_a_damaged_file_in_the_cache() -> None:
    cached = put_into_cache(b"half")
    with pytest.raises(WeightsError) as caught:
        find_vgg16()
    message = one_line(caught.value)
    assert message.startswith(f"{cached}: ")
    assert sha256(b"half").hexdigest()[:8] in message
    assert "88682ab5" in message
    assert "delete it" in message


@pytest.mark.usefixtures("no_network", "nothing_ships")
def test_nothing_at_hand_and_no_download_wanted() -> None:
    for spec in ("auto", "imagenet"):
        with pytest.raises(WeightsError) as caught:
            find_vgg16(spec, download=False)
        message = one_line(caught.value)
        assert names_the_way_out(message)
        assert str(vgg16_cache()) in message


# --- the distilled network


@pytest.mark.usefixtures("known", "no_network")
def test_distilled_is_what_ships(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_cache()
    monkeypatch.setenv("GANSTYLE_VGG16", str(shipped.parent / "missing"))
    found = find_vgg16("distilled")
    assert found == WeightsFile(
        "VGG-16 distilled", shipped, sha256(shipped.read_bytes()).hexdigest(), "it ships with ganstyle"
    )


@pytest.mark.usefixtures("known", "no_network", "shipped")
def test_auto_prefers_the_real_network() -> None:
    cached = put_into_cache()
    assert find_vgg16("auto").path == cached


def test_auto_falls_back_with_a_warning_of_one_line(shipped: Path) -> None:
    for download, reason in ((True, "cannot be downloaded"), (False, "GANSTYLE_VGG16 is not set")):
        with pytest.warns(UserWarning, match="the distilled VGG-16 that ships with ganstyle") as caught:
            found = find_vgg16("auto", download=download)
        assert found.path == shipped
        assert reason in str(caught[0].message)
        assert "\n" not in str(caught[0].message)


@pytest.mark.usefixtures("shipped")
def test_imagenet_does_not_fall_back() -> None:
    with pytest.raises(WeightsError, match="cannot be downloaded"):
        find_vgg16("imagenet")


def test_a_distilled_network_by_its_path(shipped: Path) -> None:
    features = load_vgg16(find_vgg16(str(shipped)), ["relu2_2", "relu1_2"])
    assert isinstance(features, DistilledFeatures)
    assert list(features(torch.rand(1, 3, 8, 8))) == ["relu1_2", "relu2_2"]
    fast = load_vgg16(find_vgg16(str(shipped)), ["relu2_2"], dtype=torch.bfloat16)
    assert fast(torch.rand(1, 3, 8, 8))["relu2_2"].dtype == torch.bfloat16


def test_a_layer_that_the_distilled_network_lacks(shipped: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        load_vgg16(find_vgg16(str(shipped)), ["relu3_3", "relu4_3"])
    message = one_line(caught.value)
    assert message == (f"{shipped}: the distilled VGG-16 lacks relu4_3; it holds relu1_2, relu2_2, relu3_3")


def test_a_damaged_distilled_network(shipped: Path) -> None:
    found = find_vgg16(str(shipped))
    shipped.write_bytes(shipped.read_bytes()[:-100])
    with pytest.raises(WeightsError) as caught:
        load_vgg16(found, ["relu3_3"])
    assert str(shipped) in one_line(caught.value)


# --- the download


def test_without_a_network_the_way_out_is_named() -> None:
    with pytest.raises(WeightsError) as caught:
        find_vgg16("imagenet")
    message = one_line(caught.value)
    assert "cannot be downloaded" in message
    assert names_the_way_out(message)
    assert not vgg16_cache().exists()


Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Server(http.server.ThreadingHTTPServer):
    """Gives one and the same answer to everything."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, *_: Any) -> None:
        pass  # a client that hangs up early is part of the play


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], None]]:
    servers: list[Server] = []

    def start(answer: Answer) -> None:
        server = Server(answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(weights, "VGG16_URL", f"http://127.0.0.1:{server.server_port}/{VGG16_FILE}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def send(request: http.server.BaseHTTPRequestHandler, content: bytes, length: int | None = None) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    request.end_headers()
    request.wfile.write(content)


@pytest.mark.usefixtures("known")
def test_auto_downloads_third(serve: Callable[[Answer], None]) -> None:
    serve(lambda request: send(request, CONTENT))
    found = find_vgg16()
    assert found.path == vgg16_cache()
    assert found.path.read_bytes() == CONTENT
    assert found.sha256 == DIGEST
    assert "downloaded" in found.reason
    assert list(found.path.parent.iterdir()) == [found.path]


def refuse(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_error(404)


def hang_up(request: http.server.BaseHTTPRequestHandler) -> None:
    request.connection.close()


def talk_nonsense(request: http.server.BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def break_off(request: http.server.BaseHTTPRequestHandler) -> None:
    send(request, CONTENT[:5], len(CONTENT))


def something_else(request: http.server.BaseHTTPRequestHandler) -> None:
    send(request, b"<html>Please log in to the hotel's network.</html>")


def break_off_the_second_time() -> Answer:
    asked: list[None] = []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(None)
        if len(asked) == 1:
            send(request, CONTENT)
        else:
            request.connection.close()

    return answer


# torch's downloader leaves its connection to the garbage collector, here within reach of this filter.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "answer", [refuse, hang_up, talk_nonsense, break_off, something_else, break_off_the_second_time()]
)
def test_a_download_that_fails(serve: Callable[[Answer], None], answer: Answer) -> None:
    serve(answer)
    with pytest.raises(WeightsError) as caught:
        find_vgg16("imagenet")
    message = one_line(caught.value)
    assert "cannot be downloaded" in message
    assert names_the_way_out(message)
    assert not any(vgg16_cache().parent.glob("*"))
    del caught
    gc.collect()


# --- reading it


def file(path: Path) -> WeightsFile:
    return WeightsFile("test", path, "", "")


def save_pth(path: Path, state: object, *, zipped: bool = True) -> Path:
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    return path


@pytest.fixture(scope="module")
def first_block(vgg16_weights: Path) -> dict[str, Tensor]:
    """The weights of relu1_1 and relu1_2."""
    return {k: v for k, v in load_file(vgg16_weights).items() if k.startswith(("features.0.", "features.2."))}


def test_reads_safetensors(vgg16_weights: Path) -> None:
    network = load_vgg16(file(vgg16_weights), ["relu3_3", "relu1_2"])
    expected = VGG16Features(["relu1_2", "relu3_3"], state=load_file(vgg16_weights))
    image = torch.rand(1, 3, 8, 8)
    for layer, maps in expected(image).items():
        assert torch.equal(network(image)[layer], maps)


@pytest.mark.parametrize("zipped", [True, False])
def test_reads_pth(tmp_path: Path, first_block: dict[str, Tensor], zipped: bool) -> None:
    path = save_pth(tmp_path / "vgg.pth", first_block, zipped=zipped)
    network = load_vgg16(file(path), ["relu1_2"], dtype=torch.bfloat16)
    expected = VGG16Features(["relu1_2"], state=first_block, dtype=torch.bfloat16)
    image = torch.rand(1, 3, 4, 4)
    assert torch.equal(network(image)["relu1_2"], expected(image)["relu1_2"])


def test_a_layer_that_is_missing_lists_those_that_are_held(
    tmp_path: Path, first_block: dict[str, Tensor]
) -> None:
    path = tmp_path / "vgg.safetensors"
    save_file(first_block, path)
    with pytest.raises(WeightsError) as caught:
        load_vgg16(file(path), ["relu1_2", "relu2_2", "relu4_3"])
    message = one_line(caught.value)
    assert message.startswith(f"{path}: ")
    assert "lack relu2_2, relu4_3" in message
    assert "hold relu1_1, relu1_2" in message


def test_a_layer_that_does_not_exist(vgg16_weights: Path) -> None:
    with pytest.raises(WeightsError, match="relu9_9"):
        load_vgg16(file(vgg16_weights), ["relu9_9"])


def unreadable(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_vgg16(file(path), ["relu1_1"])
    message = one_line(caught.value)
    assert message.startswith(f"{path}: ")
    assert "weights_only" not in message  # torch's own advice is to run what the file holds
    return message


def as_bytes(state: object, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def test_half_a_safetensors_file(tmp_path: Path, vgg16_weights: Path) -> None:
    content = vgg16_weights.read_bytes()
    for size in (0, 4, 100, len(content) // 2, len(content) - 1):
        assert "not a readable" in unreadable(tmp_path / "half.safetensors", content[:size])


@pytest.mark.parametrize("zipped", [True, False])
def test_half_a_pth_file(tmp_path: Path, zipped: bool) -> None:
    content = as_bytes({"features.0.weight": torch.ones(64, 3, 3, 3)}, zipped=zipped)
    for size in (0, 4, 30, 100, 300, len(content) // 2, len(content) - 1):
        assert "not a readable" in unreadable(tmp_path / "half.pth", content[:size])


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html>Not found</html>",
        b"error code: 1020",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
        b"PK\x03\x04" + bytes(60),
        bytes(100),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_another_file_by_that_name(tmp_path: Path, content: bytes, suffix: str) -> None:
    assert "not a readable" in unreadable(tmp_path / f"vgg{suffix}", content)


@pytest.mark.parametrize("state", [[torch.ones(2)], {"features.0.weight": [1.0]}, torch.ones(2)])
def test_not_a_dictionary_of_tensors(tmp_path: Path, state: object) -> None:
    assert "dictionary of tensors" in unreadable(tmp_path / "vgg.pth", as_bytes(state))


def test_another_network(tmp_path: Path) -> None:
    state = {"features.0.weight": torch.ones(8, 3, 3, 3), "features.0.bias": torch.ones(8)}
    assert "not the weights of VGG-16" in unreadable(tmp_path / "vgg.pth", as_bytes(state))


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("kind", ["zipped", "old", "protocol 2", "protocol 4"])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_code_in_a_file_is_never_run(tmp_path: Path, kind: str, suffix: str) -> None:
    trace = tmp_path / "executed"
    state = {"features.0.weight": torch.ones(64, 3, 3, 3), "features.0.bias": Malicious(trace)}
    if kind.startswith("protocol"):
        content = pickle.dumps({"x": Malicious(trace)}, protocol=int(kind[-1]))
    else:
        content = as_bytes(state, zipped=kind == "zipped")
    unreadable(tmp_path / f"vgg{suffix}", content)
    assert not trace.exists()
    if kind != "zipped" and kind != "old":
        pickle.loads(content)  # it would have run
        assert trace.exists()

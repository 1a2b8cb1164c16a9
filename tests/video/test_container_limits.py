"""Video files whose pictures, or whose index, would take more memory than the limit."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import VideoError
from ganstyle.video.container_input import read_video
from tests.fork_server import ForkServer
from tests.images.samples import encode

MakeVideo = Callable[..., Path]

# Reads a video, and prints the error and how many bytes the memory rose at most.
_READ = """
import resource, sys
from pathlib import Path

from ganstyle.errors import VideoError
from ganstyle.video.container_input import read_video

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_video(Path(sys.argv[1]))
except VideoError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.parametrize("sizes", [[(16, 16), (320, 256)], [(320, 256), (16, 16)]])
def test_pictures_larger_than_the_limit(
    sizes: list[tuple[int, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of a file's JPEGs has a size of its own, whatever the file's header says; here also EXIF."""
    import av

    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as output:
        stream: Any = output.add_stream("mjpeg", rate=25, width=16, height=16)
        stream.pix_fmt = "yuvj420p"
        for index, size in enumerate(sizes):
            packet = av.Packet(encode("JPEG", *size))
            packet.stream, packet.pts, packet.dts = stream, index, index
            packet.time_base = Fraction(1, 25)
            output.mux(packet)
    clip = read_video(source)
    assert {frame.image.shape[-2:] for frame in clip.frames()} == {(width, height) for height, width in sizes}
    monkeypatch.setattr("ganstyle.video.container_input.MAX_PIXELS", 320 * 256)
    read_video(source)
    monkeypatch.setattr("ganstyle.video.container_input.MAX_PIXELS", 320 * 256 - 1)
    with pytest.raises(VideoError, match=r"in\.mkv: 256x320 pixels are more than the limit of 81,919"):
        read_video(source)
    monkeypatch.setattr("ganstyle.video.container_input.MAX_PIXELS", 1000)  # FFmpeg does not even decode it
    with pytest.raises(VideoError, match=r"in\.mkv: is damaged at 0\.\d s \(.*, or more than 1,000 pixels\)"):
        read_video(source)
    with pytest.raises(VideoError, match=r"in\.mkv: is damaged at"):
        list(clip.frames())


def test_index_that_claims_gigabytes(make_video: MakeVideo, fork_server: ForkServer, tmp_path: Path) -> None:
    """Fifty million pictures of one size, in a file of some kB: FFmpeg makes an index of 1.2 GB for them."""
    source = make_video("in.mp4")
    content = bytearray(source.read_bytes())
    sizes = content.find(b"stsz") + 8  # after the kind and the flags
    content[sizes : sizes + 8] = (2**16).to_bytes(4, "big") + (50_000_000).to_bytes(4, "big")
    source.write_bytes(content)
    process = fork_server.start("-c", _READ, str(source), environment=os.environ, cwd=tmp_path)
    lines = process.stdout.read().splitlines()
    assert process.wait() == 0, process.stderr.read()
    process.close()
    assert lines[0].startswith(f"{source}: ")
    assert int(lines[1]) < 100e6

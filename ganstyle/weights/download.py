"""The one downloader of network weights: timeout, resume, lock, hash and progress.

pooch neither resumes nor locks, and huggingface_hub retries forever where a server always breaks off.
"""

import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from urllib.error import HTTPError, URLError

from tqdm import tqdm

from ganstyle.errors import WeightsError, one_line
from ganstyle.files import sha256
from ganstyle.locks import one_at_a_time

_TIMEOUT = 15.0  # seconds without a byte
_TRIES = 4  # in a row without progress
_PAUSE = 1.0  # seconds before the next one; twice as long after each failure
_CHUNK = 2**20
_CONNECTION_ERRORS = (URLError, TimeoutError, ConnectionError, SSLError, HTTPException)
_RANGE_NOT_SATISFIABLE = 416


def download_file(what: str, url: str, path: Path, digest: str, *, otherwise: str) -> None:
    """Download a file, unless another process has just done so.

    Only one process downloads; the others wait for it. A connection that stalls is dropped and resumed. What
    has arrived is kept as ``NAME.part``, so that an interrupted download continues from there next time.
    Progress is shown on a terminal.

    Args:
        what: name of the network, for messages.
        url: where to get it.
        path: where to put it.
        digest: the first digits of the file's SHA-256.
        otherwise: what a user can do if it cannot be downloaded.

    Raises:
        WeightsError: there is no network, the folder cannot be written, or the file is not the expected one.
    """
    try:
        if str(path).startswith("~"):  # what expanduser leaves where there is no home
            raise WeightsError("there is no home folder to keep it in: set TORCH_HOME")
        with one_at_a_time(path.with_name(f".{path.name}.lock")):
            if not path.is_file():
                _fetch(url, path, digest)
    except (WeightsError, OSError, HTTPException, ValueError) as error:
        reason = one_line(error, 200)
        raise WeightsError(f"{what} cannot be downloaded ({reason}); {otherwise}") from error


def _fetch(url: str, path: Path, digest: str) -> None:
    part = path.with_name(f"{path.name}.part")
    resumed = part.exists()
    if not (resumed and sha256(part).startswith(digest)):
        _transfer(url, part, path.name)
    found = sha256(part)
    if found.startswith(digest):
        part.replace(path)
        return
    part.unlink()
    if not resumed:
        raise WeightsError(f"the SHA-256 of {url} starts with {found[:8]}, not {digest[:8]}")
    _fetch(url, path, digest)  # what was there was of another file: again, from the start


def _transfer(url: str, part: Path, name: str) -> None:
    """Receive the rest of a file, with as many connections as it takes while each makes progress."""
    most, tries = _size(part), 0
    while True:
        problem: Exception = ConnectionError("the connection was closed before the end")
        try:
            if _receive(url, part, name):
                return
        except HTTPError:
            raise
        except _CONNECTION_ERRORS as error:
            problem = error
        except OSError:  # the disk is full, or the like
            part.unlink(missing_ok=True)
            raise
        tries = 0 if _size(part) > most else tries + 1
        most = max(most, _size(part))
        if most == 0:  # without a network, fail at once
            part.unlink(missing_ok=True)
        if most == 0 or tries >= _TRIES:
            raise problem
        time.sleep(_PAUSE * 2**tries)


def _receive(url: str, part: Path, name: str) -> bool:
    """Append what one connection brings; say whether that was all."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code != _RANGE_NOT_SATISFIABLE:
            raise
        part.unlink()  # more than there is: not the beginning of this file
        return _receive(url, part, name)
    with response:
        if response.status != 206:  # the server does not resume
            start = 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        with (
            part.open("ab" if start else "wb") as file,
            tqdm(desc=name, total=total, initial=start, unit="B", unit_scale=True, disable=None) as bar,
        ):
            while chunk := response.read1(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    return total is None or _size(part) >= total


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

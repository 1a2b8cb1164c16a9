"""Recognizing I/O errors that may pass, such as those of a network disk that is gone for seconds."""

import errno


def _numbers(*names: str) -> frozenset[int]:
    """Return the numbers of errors by name, since not every platform has all of them."""
    return frozenset(getattr(errno, name) for name in names if hasattr(errno, name))


DISK_AWAY = _numbers(
    *("EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EBUSY", "EINTR", "ENODEV", "ENXIO", "EREMOTEIO"),
    *("ENOTCONN", "ECONNRESET", "ECONNABORTED", "ECONNREFUSED", "ESHUTDOWN", "EPIPE", "ECOMM", "EPROTO"),
    *("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENETRESET"),
)
"""Numbers of the errors of a disk that may come back."""

_TRANSIENT = DISK_AWAY | _numbers("ENOENT", "ENOTDIR", "ENOMEDIUM", "ENOLINK")


def transient_cause(error: BaseException) -> OSError | None:
    """Return the I/O error behind an exception if trying again may help, otherwise None.

    A missing file counts: callers ask about files that they have listed before. A damaged file, missing
    permissions or an empty memory do not.

    Args:
        error: an exception, such as an `ImageError` raised while an `OSError` was handled.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError):
            # Network libraries raise these without a number.
            passing = link.errno in _TRANSIENT or isinstance(link, ConnectionError | TimeoutError)
            return link if passing else None
        link = link.__cause__ or link.__context__
    return None

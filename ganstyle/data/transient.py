"""Recognizing I/O errors that may pass, such as those of a network disk that is gone for seconds."""

import errno

# By name, since not every platform has all of them.
_NAMES = (
    *("EIO", "ESTALE", "ENOENT", "ENOTDIR", "ENODEV", "ENXIO", "EREMOTEIO", "ENOMEDIUM", "EAGAIN", "EINTR"),
    *("EBUSY", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENETRESET", "ENOLINK"),
    *("ECOMM", "ENOTCONN", "ESHUTDOWN", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EPIPE", "EPROTO"),
)
_TRANSIENT = frozenset(getattr(errno, name) for name in _NAMES if hasattr(errno, name))


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
            return link if link.errno in _TRANSIENT else None
        link = link.__cause__ or link.__context__
    return None

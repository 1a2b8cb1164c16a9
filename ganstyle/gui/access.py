"""Who may open the interface: this machine alone, unless its owner says otherwise and sets a password."""

from ipaddress import ip_address

from ganstyle.errors import GanstyleError

LOOPBACK = "127.0.0.1"
VARIABLE = "GANSTYLE_AUTH"
"""The environment variable that may hold ``user:password``, which a command line shows to everybody."""


def is_loopback(host: str) -> bool:
    """Say whether an address or a name is this machine's own, which no other machine reaches."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def credentials(
    auth: str | None, *, host: str = LOOPBACK, share: bool = False, no_auth: bool = False
) -> tuple[str, str] | None:
    """Return the user and the password that are asked for, or None if nobody is asked.

    Args:
        auth: ``user:password``; empty or None: there is none.
        host: the address that is listened on.
        share: whether there will be a public link.
        no_auth: other people may come in without a password.

    Raises:
        GanstyleError: others could reach this machine, and there is no password; or ``auth`` is malformed,
            or contradicts ``no_auth``.
    """
    if auth and no_auth:
        raise GanstyleError(f"a password (--auth or {VARIABLE}) and --no-auth contradict each other")
    if auth:
        user, _, password = auth.partition(":")
        if not (user and password):
            raise GanstyleError(f"--auth (or {VARIABLE}): write it as user:password, neither of them empty")
        return user, password
    if not no_auth and (share or not is_loopback(host)):
        what = "--share" if share else f"--host {host}"
        raise GanstyleError(
            f"{what}: others could use this machine; set a password with --auth user:password "
            f"or {VARIABLE}, or say --no-auth"
        )
    return None

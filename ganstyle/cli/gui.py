"""``ganstyle gui``: the same things in a browser."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ganstyle.cli.stop import StopRequest
from ganstyle.errors import GanstyleError

AUTH_VARIABLE = "GANSTYLE_AUTH"
"""The environment variable that may hold ``user:password``; a command line shows it to every local user."""

_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def gui(
    styles: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of your own styles to offer as well.")
    ] = None,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of your training runs; runs if not given.")
    ] = None,
    vgg: Annotated[
        str, typer.Option(help="auto, distilled, imagenet, or a file of weights; nothing is downloaded.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Listen on this address, such as 0.0.0.0 for all; needs a password."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, metavar="N", help="Port; 7860 or the next free one if not given."),
    ] = None,
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="USER:PASSWORD",
            envvar=AUTH_VARIABLE,
            show_envvar=True,
            help="The user and password to ask for.",
            show_default=False,
        ),
    ] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="With --host or --share: ask for no password.")
    ] = False,
    share: Annotated[
        bool, typer.Option("--share", help="Also make a public link, through Gradio's servers.")
    ] = False,
    root_path: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="Path prefix behind a reverse proxy, such as /ganstyle; or the whole public address.",
            show_default=False,
        ),
    ] = "",
    max_upload: Annotated[
        str, typer.Option(metavar="SIZE", help="Largest file that can be uploaded, such as 100mb.")
    ] = "20mb",
    train: Annotated[
        bool, typer.Option("--train", help="Let everyone who can open the page train styles on this machine.")
    ] = False,
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --train: a folder of photos to train on.")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser.")] = False,
) -> None:
    """Stylize, optimize, compare and train in a browser.

    Also watches trainings. Only this machine can open it unless you pass --host. Ctrl-C ends it.
    """
    from ganstyle.extras import require

    require("gradio", "ganstyle gui")
    from ganstyle.gui.server import LOOPBACK, Settings, serve

    if photos is not None and not train:
        raise GanstyleError(f"--photos {photos}: only trainings use it; add --train")
    host = LOOPBACK if host is None else host
    login = credentials(auth, host=host, share=share, no_auth=no_auth)
    options = {} if runs is None else {"runs": runs}
    settings = Settings(
        styles=styles,
        vgg=vgg,
        device=device,
        host=host,
        port=port,
        login=login,
        share=share,
        root_path=path_prefix(root_path),
        max_upload=parse_file_size(max_upload),
        train=train,
        photos=photos,
        **options,
    )
    # Signals are noted to the end: cleaning up must not be interrupted, and a requested stop is not an error.
    with StopRequest(second_ends=False) as stop:
        with suppress(KeyboardInterrupt), serve(settings, stop.check) as served:
            stop.check()
            public = f" and {served.public}" if served.public else ""
            typer.echo(f"ganstyle is at {served.address}{public}")
            typer.echo("Press Ctrl-C to end it.")
            if open_browser:
                typer.launch(served.address)
            stop.wait()
        with suppress(OSError):  # the terminal may be gone
            typer.echo("ended")
            sys.stdout.flush()
        from ganstyle.gui.sessions import is_idle

        if not is_idle():
            os._exit(0)  # a job still in native code would abort the interpreter while that shuts down


def credentials(
    auth: str | None, *, host: str | None = None, share: bool = False, no_auth: bool = False
) -> tuple[str, str] | None:
    """Return the user and the password to ask for, or None to ask nobody.

    Args:
        auth: ``user:password``; empty or None: there is none.
        host: the address to listen on; None: this machine's own.
        share: whether there will be a public link.
        no_auth: other people may come in without a password.

    Raises:
        GanstyleError: others could reach this machine and there is no password; or ``auth`` is malformed,
            or contradicts ``no_auth``.
    """
    from ganstyle.gui.server import is_loopback

    if auth and no_auth:
        raise GanstyleError(f"a password (--auth or {AUTH_VARIABLE}) and --no-auth contradict each other")
    if auth:
        user, _, password = auth.partition(":")
        if not (user and password):
            raise GanstyleError(f"--auth (or {AUTH_VARIABLE}): write it as user:password, neither part empty")
        return user, password
    if not no_auth and (share or not (host is None or is_loopback(host))):
        what = "--share" if share else f"--host {host}"
        raise GanstyleError(
            f"{what}: others could use this machine; set a password with --auth user:password "
            f"or {AUTH_VARIABLE}, or say --no-auth"
        )
    return None


def parse_file_size(text: str) -> int:
    """Return a size in bytes, given as a number with a unit such as ``100mb`` or ``1.5 GB``.

    Raises:
        GanstyleError: it is malformed, or less than one byte.
    """
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?) *([kmg]?)i?(b?)", text.strip().lower())
    size = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if size < 1:
        raise GanstyleError(f"--max-upload {text}: write a size such as 100mb or 1gb")
    return size


def path_prefix(text: str) -> str:
    """Return a path prefix as Gradio needs it: with a slash before and none after; addresses are kept.

    Raises:
        GanstyleError: it is neither a path nor an address with http or https.
    """
    prefix = text.strip().rstrip("/")
    if re.fullmatch(r"https?://[^\s?#]+", prefix):
        return prefix
    if re.search(r"[\s?#\\]|//|:", prefix):
        raise GanstyleError(
            f"--root-path {text}: write a path such as /ganstyle, or an address such as https://example.org/ganstyle"
        )
    return f"/{prefix.lstrip('/')}" if prefix else ""

"""``ganstyle push``: publish a style on the Hugging Face Hub."""

from typing import Annotated

import typer


def push(
    style: Annotated[
        str, typer.Argument(metavar="STYLE", help="A style's path, or the name of a shipped one.")
    ],
    repo: Annotated[str, typer.Argument(metavar="USER/NAME", help="The repository; made if it is missing.")],
    license: Annotated[
        str | None,
        typer.Option(metavar="ID", help="License of the style, as the Hub calls it: apache-2.0, cc-by-4.0 …"),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private; an existing one stays as it is.")
    ] = False,
    revision: Annotated[
        str | None, typer.Option(metavar="BRANCH", help="An existing branch, if not the main one.")
    ] = None,
) -> None:
    """Publish a style, with its card and a sample, on the Hugging Face Hub.

    Afterwards, -s hf://USER/NAME loads it anywhere. Log in once with: hf auth login. Or set HF_TOKEN.
    """
    from ganstyle.errors import GanstyleError
    from ganstyle.hub import push_style
    from ganstyle.style import find_style, load_style
    from ganstyle.weights.kinds import check_is_safetensors

    path = find_style(style)
    check_is_safetensors(path)
    loaded = load_style(path)
    if loaded.code is not None:
        raise GanstyleError(f"{path}: is a painting's code; publish a whole style, such as Style.save writes")
    url = push_style(loaded, repo, license=license, private=private or None, revision=revision, file=path)
    typer.echo(f"{loaded.name} -> {url}")

"""``ganstyle push``: publish a style on the Hugging Face Hub."""

from typing import Annotated

import typer


def push(
    style: Annotated[
        str, typer.Argument(metavar="STYLE", help="A style's path, or the name of a shipped one.")
    ],
    repo: Annotated[str, typer.Argument(metavar="USER/NAME", help="The repository; created if missing.")],
    license: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="The style's license, by the Hub's identifier: apache-2.0, cc-by-4.0 …"
        ),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="If the repository is new, make it private.")
    ] = False,
    revision: Annotated[
        str | None, typer.Option(metavar="BRANCH", help="Push to this existing branch instead of main.")
    ] = None,
) -> None:
    """Publish a style on the Hugging Face Hub.

    One commit holds the style, its model card and a sample. Then -s hf://USER/NAME loads it anywhere. Log in
    once with hf auth login, or set HF_TOKEN.
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

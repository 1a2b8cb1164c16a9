"""Fetching styles from the Hugging Face Hub and pushing them there.

Cache, token, offline mode and endpoint are those of huggingface_hub: ``HF_HOME``, ``HF_TOKEN`` or ``hf auth
login``, ``HF_HUB_OFFLINE`` and ``HF_ENDPOINT``.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.extras import require
from ganstyle.hub.address import HubAddress, is_hub_address, parse_address

_LOG_IN = "log in with 'hf auth login' or set HF_TOKEN"


def fetch_style(address: str | Path) -> Path:
    """Return the file of a style on the Hub, from the cache if it is up to date or there is no network.

    Args:
        address: as for `parse_address`.

    Raises:
        CheckpointError: the address is wrong, there is no such style, or it cannot be reached.
        MissingExtraError: huggingface_hub is not installed.
    """
    found = parse_address(address)
    require("huggingface_hub", f"{found}")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

    with _explained(found, found.repo, CheckpointError):
        try:
            path = hf_hub_download(
                found.repo,
                found.file,
                revision=found.revision,
                library_name="ganstyle",
                endpoint=_endpoint(),
            )
        except RemoteEntryNotFoundError as error:
            raise CheckpointError(_missing_file(found)) from error
        except LocalEntryNotFoundError as error:
            offline = os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE")
            reason = "HF_HUB_OFFLINE is set" if offline else "the Hub cannot be reached"
            raise CheckpointError(
                f"{found}: {reason}, and the style is not in the cache; connect and try again"
            ) from error
    return Path(path)


def repository(name: str) -> str:
    """Return the ``user/name`` of a repository that may be given as ``hf://user/name``.

    Raises:
        GanstyleError: it is something else.
    """
    with suppress(CheckpointError):
        found = parse_address(name if is_hub_address(name) else f"hf://{name}")
        if str(found) == f"hf://{found.repo}":
            return found.repo
    raise GanstyleError(f"{name}: name only the repository, user/name; a branch goes into the revision")


def push_files(
    files: Mapping[str, Path | bytes],
    repo: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    message: str = "Upload style with ganstyle",
    token: str | None = None,
) -> str:
    """Upload files to a model repository in one commit; the repository is made if it does not exist.

    Args:
        files: their names in the repository, and what they hold.
        repo: ``user/name``.
        private: whether a new repository is private; None: as the account or organization has it.
        revision: an existing branch; None: the main one.
        message: of the commit.
        token: instead of the one that huggingface_hub finds.

    Returns:
        The repository's address in a browser.

    Raises:
        GanstyleError: the repository's name is wrong, or it may not or cannot be written to.
        MissingExtraError: huggingface_hub is not installed.
    """
    require("huggingface_hub", "pushing a style")
    from huggingface_hub import CommitOperationAdd, HfApi

    repo = repository(repo)
    api = HfApi(endpoint=_endpoint(), token=token, library_name="ganstyle")
    operations = [CommitOperationAdd(name, content) for name, content in files.items()]
    with _explained(f"hf://{repo}", repo, GanstyleError):
        url = api.create_repo(repo, private=private, exist_ok=True)
        api.create_commit(repo, operations, commit_message=message, revision=revision)
    return str(url)


@contextmanager
def _explained(what: HubAddress | str, repo: str, kind: type[GanstyleError]) -> Iterator[None]:
    """Turn the errors of huggingface_hub and of its HTTP client into one line each."""
    from huggingface_hub import errors

    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it tells of each of its attempts; the last one's error is enough
    try:
        yield
    except GanstyleError:
        raise
    except errors.GatedRepoError as error:
        page = f"{_endpoint() or 'https://huggingface.co'}/{repo}"
        raise kind(f"{what}: is gated; accept its terms at {page}, then {_LOG_IN}") from error
    except errors.RepositoryNotFoundError as error:
        raise kind(f"{what}: there is no such repository, or it is private; if it is, {_LOG_IN}") from error
    except errors.RevisionNotFoundError as error:
        raise kind(f"{what}: the repository has no such revision; name a branch, tag or commit") from error
    except (errors.OfflineModeIsEnabled, errors.LocalTokenNotFoundError, errors.HFValidationError) as error:
        raise kind(f"{what}: {_first_line(error)}") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        advice = _LOG_IN + " with a token that may write" if status in (401, 403) else "try again later"
        raise kind(f"{what}: the Hub answered {status} ({_first_line(error)}); {advice}") from error
    except (OSError, ValueError) as error:  # the disk of the cache, or what its client says of an odd reply
        raise kind(f"{what}: cannot be transferred ({_first_line(error)})") from error
    except Exception as error:
        # Which HTTP client is behind it, and so the class of its errors, depends on the version.
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests", "urllib3")):
            raise
        raise kind(f"{what}: the Hub cannot be reached ({_first_line(error)}); check the network") from error
    finally:
        logger.setLevel(level)


def _missing_file(address: HubAddress) -> str:
    """Say which styles a repository holds instead."""
    from huggingface_hub import HfApi

    names = HfApi(endpoint=_endpoint()).list_repo_files(address.repo, revision=address.revision)
    styles = sorted(name for name in names if name.endswith(".safetensors"))
    if styles:
        rest = ", …" if len(styles) > 5 else ""
        advice = f"it holds {', '.join(styles[:5])}{rest}; append its name, as in {address}/{styles[0]}"
    elif any(name.endswith((".bin", ".ckpt", ".pt", ".pth", ".pkl")) for name in names):
        advice = "its weights are pickles, which are never loaded; only .safetensors are"
    else:
        advice = "it is not a style that ganstyle pushed"
    return f"{address}: the repository has no {address.file}; {advice}"


def _endpoint() -> str | None:
    """Return the server that is set now; huggingface_hub reads the variable when it is imported."""
    return os.environ.get("HF_ENDPOINT") or None


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")

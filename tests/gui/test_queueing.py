import json

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ganstyle.gui.queueing import FULL, say_full


@pytest.mark.parametrize(
    ("said", "status", "answer"),
    [
        ("Queue is full. Max size is 12 and size is 12.", 429, FULL),
        ("Queue is stopped.", 503, "Queue is stopped."),
    ],
)
def test_only_a_full_queue_is_put_in_other_words(said: str, status: int, answer: str) -> None:
    got = say_full(Request({"type": "http"}), HTTPException(503, said))
    assert got.status_code == status
    assert json.loads(bytes(got.body)) == {"detail": answer}

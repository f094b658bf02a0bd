"""The embedded queue: what several processes do at the same time in one folder."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import kombu
import pytest
from kombu.exceptions import ChannelError

from credentials_settings import files_queue

MESSAGES = 200
WRITERS = 3


def connect(folder: Path) -> kombu.Connection:
    options = {name: str(folder / part) for name, part in FOLDERS.items()}
    return kombu.Connection(transport=files_queue.Transport, transport_options=options)


def message(**content: int) -> dict[str, Any]:
    return {"properties": {}, **content}


FOLDERS = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in FOLDERS.values():
        (tmp_path / part).mkdir(exist_ok=True)
    return tmp_path


@pytest.fixture
def channel(folder: Path) -> Iterator[Any]:
    with connect(folder) as connection:
        yield connection.channel()


def test_filesystem_urls_mean_this_queue() -> None:
    files_queue.use()
    with kombu.Connection("filesystem://") as connection:
        assert isinstance(connection.transport, files_queue.Transport)


def test_messages_come_out_in_the_order_in_which_they_went_in(channel: Any) -> None:
    for number in range(3):
        channel._put("celery", message(number=number))
    channel._put("another", message(number=99))
    assert [channel._get("celery")["number"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get("celery")


def test_a_message_that_breaks_off_is_nobodys(channel: Any) -> None:
    with pytest.raises(TypeError):
        channel._put("celery", {"unwritable": object()})
    with pytest.raises(Empty):
        channel._get("celery")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null", b"[]", b"{}"])
def test_a_file_that_is_no_message_is_passed_over(
    channel: Any, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "queue" / f"{0:020d}_torn.celery.msg").write_bytes(content)
    channel._put("celery", message(number=1))
    assert channel._get("celery")["number"] == 1
    assert "is no message; removed" in caplog.text
    with pytest.raises(Empty):
        channel._get("celery")


def test_a_folder_that_cannot_be_written_is_an_error_of_the_broker(channel: Any, folder: Path) -> None:
    (folder / "queue").rmdir()
    with pytest.raises(ChannelError, match="Cannot put a message"):
        channel._put("celery", {})


def fill(folder: Path, writer: int) -> None:
    with connect(folder) as connection:
        channel = connection.channel()
        for number in range(MESSAGES):
            channel._queue_bind(f"exchange-{number % 3}", "", "", f"queue-{writer}-{number}")
            channel._put("celery", message(writer=writer, number=number))


def test_a_reader_meets_whole_messages_and_tables_only(channel: Any, folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=fill, args=(folder, writer), daemon=True) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    found = set()
    while any(writer.is_alive() for writer in writers) or channel._size("celery"):
        for exchange in range(3):
            channel.get_table(f"exchange-{exchange}")
        try:
            read = channel._get("celery")
        except Empty:
            continue
        found.add((read["writer"], read["number"]))
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert found == {(writer, number) for writer in range(WRITERS) for number in range(MESSAGES)}
    bound = [row.queue for exchange in range(3) for row in channel.get_table(f"exchange-{exchange}")]
    assert len(bound) == len(set(bound)) == WRITERS * MESSAGES
    channel._delete("queue-0-0", "exchange-0", "", "")
    assert len(channel.get_table("exchange-0")) == len([row for row in bound if int(row.split("-")[2]) % 3 == 0]) - 1

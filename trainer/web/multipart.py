"""Reading an upload: fields into memory, the file straight into the data folder as it comes in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header
from starlette.concurrency import run_in_threadpool

from trainer.web.errors import ApiError

MOST_FIELD_BYTES = 64 * 1024
MOST_FIELDS = 64


@dataclass(slots=True)
class Upload:
    """What a multipart body held.

    Attributes:
        fields: The plain fields.
        filename: The file's name as sent; None where there was no file.
        size: The file's bytes.
    """

    fields: dict[str, str] = field(default_factory=dict)
    filename: str | None = None
    size: int = 0


class UploadReader:
    """Takes a multipart body apart. The file's bytes wait for ``flush``, which may then run off the event loop."""

    def __init__(self, content_type: str, most_bytes: int) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise _malformed("The body must be multipart/form-data with a boundary.")
        self.upload = Upload()
        self._most_bytes = most_bytes
        self._header = self._value = self._disposition = b""
        self._field: bytearray | None = None
        self._name = ""
        self._pending: list[bytes] = []
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._on_header,
                    "on_header_value": self._on_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._on_data,
                    "on_part_end": self._end,
                },
            )
        except FormParserError:
            raise _malformed("The boundary of the body is too long.") from None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _malformed("The body is not valid multipart/form-data.") from None

    def flush(self, file: IO[bytes]) -> None:
        """Write what has come of the file."""
        file.writelines(self._pending)
        self._pending.clear()

    def finish(self) -> Upload:
        """Give what was read, once the body has ended.

        Raises:
            ApiError: The body ended too early.
        """
        if self._parser.state != MultipartState.END:
            raise _malformed("The body ended before its last boundary.")
        return self.upload

    def _begin(self) -> None:
        self._disposition = b""

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename")
        if filename is None:
            self._field = bytearray()
        elif self._name != "file" or self.upload.filename is not None:
            raise _malformed("There must be one file, in the field 'file'.")
        else:
            self._field, self.upload.filename = None, filename.decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is not None:
            self._field += data[start:end]
            if len(self._field) > MOST_FIELD_BYTES:
                raise _malformed("A field other than the file is too long.")
            return
        self.upload.size += end - start
        if self.upload.size > self._most_bytes:
            raise ApiError(413, f"A file may have {self._most_bytes} bytes.", param="file", code="file_too_large")
        self._pending.append(data[start:end])

    def _end(self) -> None:
        if self._field is not None:
            self.upload.fields[self._name] = self._field.decode("utf-8", "replace")
            if len(self.upload.fields) > MOST_FIELDS:
                raise _malformed("There are too many fields.")


async def read_upload(stream: AsyncIterator[bytes], content_type: str, part: Path, most_bytes: int) -> Upload:
    """Read a multipart body, writing its file to ``part``.

    Raises:
        ApiError: 400 for a body that is malformed; 413 for a file over ``most_bytes``.
    """
    reader = UploadReader(content_type, most_bytes)
    with await run_in_threadpool(part.open, "wb") as file:
        try:
            async for chunk in stream:
                reader.feed(chunk)
                await run_in_threadpool(reader.flush, file)
        except ApiError:
            await _drain(stream, most_bytes)
            raise
    return reader.finish()


async def _drain(stream: AsyncIterator[bytes], most_bytes: int) -> None:
    # A client that is still sending would see a broken connection instead of the answer.
    drained = 0
    async for chunk in stream:
        drained += len(chunk)
        if drained > most_bytes:
            return


def _malformed(message: str) -> ApiError:
    return ApiError(400, message, param="file", code="invalid_multipart")

"""The routes that take files: read at once for programs, or as pages to be corrected."""

import asyncio
import functools
import secrets
from collections import OrderedDict
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import FastAPI, Form, HTTPException, Request, UploadFile
from fastapi import Path as PathParameter
from starlette.types import Receive

from predictors.output import row
from predictors.page_formats.page_json import to_json
from preprocessing.image_file import UnusableImage
from tools.serve.reading import Reading, UnusablePages
from tools.serve.reading_queue import PDF, Job, ReadingQueue
from tools.serve.security import MOST_BYTES
from tools.serve.store import Store
from utils.errors import UserError
from utils.escaping import escape_control

MOST_REMEMBERED = 1000  # jobs that the page may ask about

PageId = Annotated[str, PathParameter(pattern=r"^[0-9a-f-]{24}$")]


def add_reading(app: FastAPI, reading: Reading, queue: ReadingQueue) -> None:
    """Adds the routes for programs."""

    @app.get("/health")
    def health() -> dict[str, Any]:
        """Returns the folder of the model in use, and how many files wait."""
        return {"status": "ok", "model": str(reading.folder), "waiting": len(queue)}

    @app.post("/read")
    async def read(request: Request, file: UploadFile, page: Annotated[bool, Form()] = False) -> list[dict[str, Any]]:
        """Reads a picture of a word or line, or with `page` the pages of a file; the JSON of `--output`, and a note."""
        name, content = _name(file), _content(file)
        if page:
            job = await asyncio.to_thread(
                queue.add_pages, content, lambda path: (read_page for _, read_page in reading.pages(path, name))
            )
            try:
                return to_json(await _result(job, request.receive))
            except UnusableImage as error:
                # Of a file with damaged pages the others are of use.
                if not job.results:
                    raise HTTPException(422, _about(error, name)) from None
                errors = error.errors if isinstance(error, UnusablePages) else [error]
                bad = [{"filename": name, "page": one.page, "error": _about(one, name)} for one in errors]
                return [*to_json(job.results), *bad]
        job = await asyncio.to_thread(queue.add_word, content)
        try:
            prediction, note = await _result(job, request.receive)
        except UnusableImage as error:
            if job.path and job.path.suffix == PDF:
                error = UnusableImage(name, error.reason, "send it with page=true")
            raise HTTPException(422, _about(error, name)) from None
        return [{"filename": name, **row(prediction, None), "error": "", "note": note}]


def add_uploads(app: FastAPI, reading: Reading, store: Store, queue: ReadingQueue) -> None:
    """Adds the routes by which files become pages to be corrected."""
    jobs: OrderedDict[str, tuple[Job, str, list[str]]] = OrderedDict()

    def remember(job: Job, name: str, notes: list[str]) -> dict[str, str]:
        number = secrets.token_hex(8)
        jobs[number] = job, name, notes
        if len(jobs) > MOST_REMEMBERED:
            jobs.popitem(last=False)
        return {"job": number}

    @app.post("/pages", status_code=202)
    def add(file: UploadFile, kind: Annotated[Literal["page", "line"], Form()] = "page") -> dict[str, str]:
        """Queues a file of pages, or a picture of a line or word, to be read and kept for correction."""
        name, content, notes = _name(file), _content(file), list[str]()
        read = reading.pages if kind == "page" else functools.partial(reading.line, tell=notes.append)
        job = queue.add_pages(content, lambda path: reading.add_to(store, read(path, name)))
        return remember(job, name, notes)

    @app.post("/pages/{page_id}/read", status_code=202)
    def again(page_id: PageId) -> dict[str, str]:
        """Queues a page to be read again, with the model in use; what is saved of its lines stays."""
        found = store.page(page_id)
        if found is None:
            raise HTTPException(404)
        return remember(queue.add_steps(reading.again(store, page_id)), found.filename, [])

    @app.get("/jobs/{number}")
    def job(number: str) -> dict[str, Any]:
        """Returns the state of a queued file: files ahead of it, pages read so far, error, note on what was read."""
        if number not in jobs:
            raise HTTPException(404, "the server has started again since; send again what is not in the list of pages")
        found, name, notes = jobs[number]
        state, error = _state(found, name)
        pages, note = list(found.results), " ".join(notes)
        return {"state": state, "ahead": queue.ahead_of(found), "pages": pages, "error": error, "note": note}


async def _result(job: Job, receive: Receive) -> Any:
    """Returns the result of a job, which is cancelled if its client goes or the server ends."""
    result, gone = asyncio.wrap_future(job.future), asyncio.ensure_future(_disconnected(receive))
    gone.add_done_callback(lambda _: result.cancel())
    try:
        return await result
    except asyncio.CancelledError:
        raise HTTPException(503, "the server ends") from None
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    """Returns once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _state(job: Job, name: str) -> tuple[str, str]:
    """Returns the state of a job and, if it failed by itself, why."""
    if job.future.cancelled():
        return "failed", ""
    if not job.future.done():
        return "reading" if job.started else "waiting", ""
    error = job.future.exception()
    if error is None:
        return "done", ""
    return "failed", _about(error, name) if isinstance(error, UserError) else "the server failed"


def _content(file: UploadFile) -> BinaryIO:
    """Returns an uploaded file, which lies on the disk if it is large."""
    if file.size is None or file.size > MOST_BYTES:
        raise HTTPException(413, f"a file has at most {MOST_BYTES} bytes")
    return file.file


def _name(file: UploadFile) -> str:
    """Returns the name of an uploaded file, without folders, to show and to export; it is never used as a path."""
    return escape_control((file.filename or "").replace("\\", "/").rpartition("/")[2])[:200] or "picture"


def _about(error: BaseException, name: str) -> str:
    """Returns an error without our path of the file."""
    return error.about(name) if isinstance(error, UnusableImage) else str(error)

"""The routes: reading for programs, pages and corrections for the page in the browser."""

import asyncio
import contextlib
import functools
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import FastAPI, Form, HTTPException, Request, UploadFile
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from predictors.output import row
from predictors.page_formats.alto import to_alto
from predictors.page_formats.page_json import to_json
from predictors.page_formats.page_xml import to_page_xml
from predictors.page_formats.text import to_text
from preprocessing.image_file import UnusableImage
from preprocessing.page.layout import Line
from tools.serve.corrections import LONGEST, ConflictError
from tools.serve.learning import Learning
from tools.serve.reading import Reading, UnusablePages
from tools.serve.reading_queue import FullError, Job, ReadingQueue
from tools.serve.security import MOST_BYTES, Access, Guard
from tools.serve.store import Store
from utils.errors import UserError
from utils.escaping import escape_control
from utils.paths import ROOT

STATIC = Path(__file__).parent / "static"
THEME = ROOT / "predictors" / "report" / "theme.css"  # shared with the evaluation report
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
EXPORTS = {
    "text": ("txt", "text/plain", lambda page: to_text([page])),
    "page": ("xml", "application/xml", to_page_xml),
    "alto": ("xml", "application/xml", to_alto),
}
MOST_REMEMBERED = 1000  # jobs that the page may ask about

PageId = Annotated[str, PathParameter(pattern=r"^[0-9a-f-]{24}$")]
LineNumber = Annotated[int, PathParameter(ge=0, le=99_999)]


class Correction(BaseModel):
    """The text of a line; null takes a saved one back. `before` is the saved text that the client knows of."""

    text: str | None = Field(max_length=LONGEST)
    before: str | None = None


def create_app(reading: Reading, store: Store, access: Access, learning: Learning) -> FastAPI:
    """Returns the server's application; its reading thread ends with it."""
    queue = ReadingQueue(reading.words)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(queue.close)

    # FastAPI's pages about the API load scripts from another site; /openapi.json is the same without them.
    app = FastAPI(title="Seq-2-Seq OCR", docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    app.add_middleware(Guard, access=access)
    app.exception_handler(UserError)(_user_error)
    app.exception_handler(FullError)(_full)
    app.exception_handler(RequestValidationError)(_invalid)
    _add_static(app)
    _add_reading(app, reading, queue)
    _add_uploads(app, reading, store, queue)
    _add_pages(app, store)
    _add_corrections(app, store)
    _add_learning(app, learning)
    return app


def _add_static(app: FastAPI) -> None:
    files = {path.name: path.read_bytes() for path in (*STATIC.iterdir(), THEME) if path.suffix in TYPES}

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return Response(files["page.html"], media_type="text/html")

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        if name not in files:
            raise HTTPException(404)
        return Response(files[name], media_type=TYPES[Path(name).suffix])


def _add_reading(app: FastAPI, reading: Reading, queue: ReadingQueue) -> None:
    @app.get("/health")
    def health() -> dict[str, Any]:
        """Returns the name of the model in use, and how many files wait."""
        return {"status": "ok", "model": reading.folder.name, "waiting": len(queue)}

    @app.post("/read")
    async def read(file: UploadFile, page: Annotated[bool, Form()] = False) -> list[dict[str, Any]]:
        """Reads a picture of a word or line, or with `page` the pages of a file; the JSON of `--output`, and a note."""
        name, content = _name(file), _content(file)
        if page:
            job = await asyncio.to_thread(
                queue.add_pages, content, lambda path: (read_page for _, read_page in reading.pages(path, name))
            )
            try:
                return to_json(await asyncio.wrap_future(job.future))
            except UnusableImage as error:
                # Of a file with damaged pages the others are of use.
                if not job.results:
                    raise HTTPException(422, _about(error, name)) from None
                errors = error.errors if isinstance(error, UnusablePages) else [error]
                bad = [{"filename": name, "page": one.page, "error": _about(one, name)} for one in errors]
                return [*to_json(job.results), *bad]
        job = await asyncio.to_thread(queue.add_word, content)
        try:
            prediction, note = await asyncio.wrap_future(job.future)
        except UnusableImage as error:
            raise HTTPException(422, _about(error, name)) from None
        return [{"filename": name, **row(prediction, None), "error": "", "note": note}]


def _add_uploads(app: FastAPI, reading: Reading, store: Store, queue: ReadingQueue) -> None:
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
        state, about = "reading" if found.started else "waiting", ""
        if found.future.cancelled():
            state = "failed"
        elif found.future.done():
            error = found.future.exception()
            state = "failed" if error else "done"
            if error:
                about = _about(error, name) if isinstance(error, UserError) else "the server failed"
        pages, note = list(found.results), " ".join(notes)
        return {"state": state, "ahead": queue.ahead_of(found), "pages": pages, "error": about, "note": note}


def _add_pages(app: FastAPI, store: Store) -> None:
    """Adds the routes of what was read."""

    @app.get("/pages")
    def pages() -> list[dict[str, Any]]:
        """Lists the pages, the newest first, with the number of their lines and of those corrected."""
        return list(map(asdict, store.pages()))

    @app.get("/pages/{page_id}")
    def page(page_id: PageId) -> dict[str, Any]:
        """Returns a page as it was read, and what is saved of its lines."""
        found = store.page(page_id)
        if found is None:
            raise HTTPException(404)
        lines = [_line(*pair) for pair in zip(found.lines, store.saved(page_id, found))]
        return {"id": page_id, "filename": found.filename, "page": found.number, "lines": lines}

    @app.get("/pages/{page_id}/picture")
    def picture(page_id: PageId) -> FileResponse:
        """Returns the picture of a page."""
        return _picture(store.picture(page_id))

    @app.get("/pages/{page_id}/lines/{line}/picture")
    def line_picture(page_id: PageId, line: LineNumber) -> FileResponse:
        """Returns the picture of a line."""
        return _picture(store.picture(page_id, line))


def _add_corrections(app: FastAPI, store: Store) -> None:
    """Adds the routes of what the user writes, and of the result."""

    @app.put("/pages/{page_id}/lines/{line}")
    def save(page_id: PageId, line: LineNumber, correction: Correction) -> Any:
        """Saves the text of a line, on disk before the answer; 409 with the saved text if that is another one."""
        try:
            return {"saved": store.save(page_id, line, correction.text, correction.before)}
        except ConflictError as error:
            return JSONResponse({"detail": "another text was saved meanwhile", "saved": error.saved}, 409)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        except KeyError:
            raise HTTPException(404) from None

    @app.get("/pages/{page_id}/export")
    def export(page_id: PageId, format: Literal["text", "page", "alto"]) -> Response:
        """Returns a page with its corrections as text, PAGE or ALTO."""
        found = store.corrected(page_id)
        if found is None:
            raise HTTPException(404)
        ending, kind, written = EXPORTS[format]
        name = f'attachment; filename="{page_id}.{ending}"'
        return Response(written(found), media_type=kind, headers={"content-disposition": name})


def _line(line: Line, saved: str | None) -> dict[str, Any]:
    """Returns what the page shows of a line."""
    characters = [round(p, 3) for p in line.character_confidences]
    shown = {"text": line.text, "confidence": line.confidence, "characters": characters}
    return {**shown, "alternatives": line.alternatives, "saved": saved}


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


def _picture(path: Path | None) -> FileResponse:
    if path is None:
        raise HTTPException(404)
    return FileResponse(path)


def _user_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 503)


def _full(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "too many files wait; try again later"}, 503, {"retry-after": "10"})


def _invalid(_: Request, error: Any) -> Response:
    """Returns what is wrong with a request without its content, which may be large, or no text that can be sent."""
    return JSONResponse(
        {"detail": [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]}, 422
    )


def _add_learning(app: FastAPI, learning: Learning) -> None:
    """Adds the routes of the training on corrections."""

    @app.get("/training")
    def state() -> dict[str, Any]:
        """Returns the state of the training on corrections."""
        return learning.state()

    @app.post("/training", status_code=202)
    def start() -> dict[str, Any]:
        """Starts a training on the corrections."""
        try:
            learning.start()
        except UserError as error:
            raise HTTPException(409, str(error)) from None
        return learning.state()

    @app.delete("/training")
    def stop() -> dict[str, Any]:
        """Stops the training."""
        learning.stop()
        return learning.state()

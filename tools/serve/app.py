"""The server: its routes for the page in the browser, for corrections and for learning."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Request
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from predictors.page_formats.alto import to_alto
from predictors.page_formats.page_xml import to_page_xml
from predictors.page_formats.text import to_text
from preprocessing.page.layout import Line
from tools.serve.corrections import LONGEST, ConflictError
from tools.serve.learning import Learning
from tools.serve.reading import Reading
from tools.serve.reading_queue import FullError, ReadingQueue
from tools.serve.security import Access, Guard
from tools.serve.store import Store
from tools.serve.uploads import PageId, add_reading, add_uploads
from utils.errors import UserError
from utils.paths import ROOT

STATIC = Path(__file__).parent / "static"
THEME = ROOT / "predictors" / "report" / "theme.css"  # shared with the evaluation report
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
EXPORTS = {
    "text": ("txt", "text/plain", lambda page: to_text([page])),
    "page": ("xml", "application/xml", to_page_xml),
    "alto": ("xml", "application/xml", to_alto),
}

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
    add_reading(app, reading, queue)
    add_uploads(app, reading, store, queue)
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

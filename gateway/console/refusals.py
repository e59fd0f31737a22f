"""How the console says no: a status, a code, and its text in every language."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from gateway.console.messages import Catalogue
from gateway.console.parts import LANGUAGES


class Refusal(Exception):
    """A request that is refused. `code` has a text at `error.<code>` or, from the doors, at `refusal.<code>`."""

    def __init__(
        self, status: int, code: str, *, area: str = "error", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.code, self.area, self.headers = status, code, area, headers
        super().__init__(code)


def answer_refusals(app: FastAPI, catalogue: Catalogue) -> None:
    """Answer refusals and invalid bodies as JSON with texts."""

    def body(code: str, area: str) -> dict[str, object]:
        texts = {language: catalogue.word(language, area, code) for language in LANGUAGES}
        return {"error": {"code": code, "text": texts}}

    @app.exception_handler(Refusal)
    async def _refused(_request: Request, refusal: Refusal) -> JSONResponse:
        headers = None if refusal.headers is None else dict(refusal.headers)
        return JSONResponse(body(refusal.code, refusal.area), refusal.status, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, fault: RequestValidationError) -> JSONResponse:
        fields = {str(where) for error in fault.errors() for where in error["loc"]}
        missing = next((name for name in ("reason", "second") if name in fields), None)
        return JSONResponse(body("invalid_request" if missing is None else f"{missing}_required", "error"), 422)

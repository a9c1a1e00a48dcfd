"""How the embedded model is, as others may know it, and what that means for a call."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from alma.errors import ModelUnavailable

State = Literal["off", "absent", "starting", "ready", "restarting", "failed"]


class LocalStatus(Struct, frozen=True):
    """For the page: `file` is the GGUF's path, `detail` a sentence when there is something to say. `active`: calls that
    have a slot; `queued`: that wait for one."""

    state: State
    file: str = ""
    detail: str = ""
    pid: int | None = None
    queued: int = 0
    active: int = 0

    def unavailable(self) -> ModelUnavailable | None:
        """Why no call can succeed until somebody acts; None while the model is there or on its way."""
        match self.state:
            case "absent":
                return ModelUnavailable(
                    "There is no embedded model yet.",
                    expected="a GGUF file" + (f" at {self.file}" if self.file else ""),
                    hint="Run `make setup` to fetch the small one, choose a GGUF file, or connect an endpoint.",
                )
            case "failed":
                hint = "Choose another GGUF file, or connect an endpoint."
                return ModelUnavailable("The embedded model does not start.", actual=self.detail, hint=hint)
            case "off":
                hint = "Choose another model, or turn the embedded one on."
                return ModelUnavailable("The embedded model is turned off.", hint=hint)
            case "starting" | "restarting" | "ready":
                return None

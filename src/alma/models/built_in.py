"""The endpoints and models that need no connecting: GGUF files for the embedded server, and the scripted model."""

from __future__ import annotations

from pathlib import Path

from alma.errors import ModelUnavailable
from alma.models.gguf import model_name
from alma.models.local import TINY_FILE, LocalModel
from alma.models.measured import Measured
from alma.models.remote import EndpointInfo, EndpointState, ModelInfo, looks_tiny
from alma.models.scripted import ScriptedModel

SCRIPTED_WINDOW = 8192  # tokens


def gguf_files(local: LocalModel | None, folder: Path) -> list[Path]:
    """The embedded model's file, then the others in `folder`; of a split model its first part."""
    own = local.path if local is not None else None
    others = [path for path in sorted(folder.glob("*.gguf")) if path != own and _offered(path.name)]
    return [*([own] if own is not None else []), *others]


def gguf_models(local: LocalModel | None, folder: Path) -> list[ModelInfo]:
    """A model for each file; of one name, the first."""
    if local is None:
        return []
    infos = [gguf_info(local, path) for path in gguf_files(local, folder)]
    return list({info.id: info for info in reversed(infos)}.values())[::-1]


def gguf_info(local: LocalModel, path: Path | None) -> ModelInfo:
    name = model_name(path) if path is not None else "none"
    size = path.stat().st_size if path is not None and path.is_file() else 0
    return ModelInfo(
        id=f"embedded/{name}",
        endpoint="embedded",
        name=name,
        context_window=local.context_window,
        tiny=looks_tiny(name) or size < TINY_FILE,
        kind="embedded",
        loaded=path == local.path and size > 0,
    )


def scripted_info(name: str) -> ModelInfo:
    return ModelInfo(f"scripted/{name}", "scripted", name, SCRIPTED_WINDOW, False, "scripted")


def embedded_endpoint(local: LocalModel, measured: Measured) -> EndpointInfo:
    at = local.status
    state: EndpointState = "ready" if at.state == "ready" else "down"
    if at.state in ("starting", "restarting"):
        state = "starting"
    return EndpointInfo(
        name="embedded",
        base_url=local.client.base_url if local.client is not None else "",
        has_key=False,
        kind="embedded",
        state=state,
        detail=at.detail,
        active=at.active,
        queued=at.queued,
        source="built in",
        limit=local.slots,
        figures=measured.health.figures(measured.clock()),
    )


def scripted_endpoint(scripted: ScriptedModel, measured: Measured) -> EndpointInfo:
    return EndpointInfo(
        name="scripted",
        base_url="",
        has_key=False,
        kind="scripted",
        state="ready",
        active=scripted.active,
        source="built in",
        figures=measured.health.figures(measured.clock()),
    )


def not_there(path: Path, *, built_in: Path) -> ModelUnavailable:
    """For an embedded model whose file is missing."""
    if path == built_in:
        return ModelUnavailable(f"The built-in model is not in {path.parent}.", hint="`make setup` fetches it.")
    return ModelUnavailable(f"The model file {path} is not there.", hint="Choose another one, or connect an endpoint.")


def _offered(name: str) -> bool:
    """Whether a file can be shown and chosen by its name: not a further part of a split model, and no broken UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "-of-" not in name or "-00001-of-" in name

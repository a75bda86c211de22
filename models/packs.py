"""A pack: a folder with `model.onnx` and its card `pack.toml`. Nothing of a pack is believed before its digest is checked.

An overlay is a folder with `overlay.toml` alone: other thresholds and probabilities for the labels of a pack that it names as its base, and the digest of the
network they were fitted to (`trikeye models calibrate` writes one), or several sizes at which that network is to look at each picture. Wherever a pack may
be named, an overlay may.

PackError
├── PackMissing      no such folder, or a file of it is missing
├── MalformedPack    pack.toml or overlay.toml does not say what it must
└── WrongDigest      model.onnx is not the file the card or the overlay speaks of
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.shapes import Sizes, input_shape

SHIPPED = Path(__file__).with_name("shipped")
OVERLAY = "overlay.toml"
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Side = Annotated[int, Field(ge=32, le=4096, multiple_of=32)]
T = TypeVar("T", bound=BaseModel)


class PackError(Exception):
    """A pack that cannot be used; the text says which and what to do."""


class PackMissing(PackError):
    pass


class MalformedPack(PackError):
    pass


class WrongDigest(PackError):
    pass


class Label(BaseModel):
    """One output of the network: the category it stands for ("" if none), from which score it counts, and scale and bias of its
    own probability; without these the pack's are taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    category: str
    role: Literal["problem", "contrast", "context"]
    threshold: Annotated[float, Field(ge=0, le=1)]
    detail: str = ""
    platt: tuple[float, float] | None = None


class _Input(BaseModel):
    width: Side
    height: Side
    sizes: Sizes = "fixed"
    layout: Literal["nchw"]
    colour: Literal["rgb", "bgr"]
    scale: Annotated[float, Field(gt=0)]
    pad: Annotated[int, Field(ge=0, le=255)]


class _Output(BaseModel):
    layout: Literal["raw", "end_to_end"]


class _Calibration(BaseModel):
    kind: Literal["platt"]
    a: float
    b: float


class _File(BaseModel):
    version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=64)]
    digest: Digest
    input: _Input
    output: _Output
    labels: Annotated[list[Label], Field(min_length=1, max_length=1000)]
    calibration: _Calibration
    licence: dict[str, Any]
    card: dict[str, Any]


class OverlayLabel(BaseModel):
    """What an overlay changes of one label; None stays as it is in the base."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    platt: tuple[float, float] | None = None


class Overlay(BaseModel):
    """overlay.toml. `base` is a shipped pack's name or a path from the overlay's folder; `fitted_on` says what for, and goes into the card; `sides_px` are
    the longer sides at which the base's network looks at each picture, their boxes joined."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Literal[1]
    base: Annotated[str, Field(min_length=1)]
    digest: Digest
    fitted_on: dict[str, Any] = {}
    labels: Annotated[list[OverlayLabel], Field(max_length=1000)] = []
    sides_px: Annotated[tuple[Side, ...], Field(max_length=8)] = ()


@dataclass(frozen=True)
class Pack:
    """A checked pack. `digest` is the SHA-256 of model.onnx in hex, `folder` where its card is, or the overlay that changes it.

    Every picture is seen in the shape that `sizes` makes of `width` x `height` (models/shapes.py); with `sides_px` once for each of these, as if both were it.
    """

    name: str
    digest: str
    folder: Path
    model: Path
    width: int
    height: int
    sizes: Sizes
    rgb: bool
    scale: float
    pad: int
    end_to_end: bool
    labels: tuple[Label, ...]
    platt: tuple[float, float]
    licence: dict[str, Any] = field(repr=False)
    card: dict[str, Any] = field(repr=False)
    sides_px: tuple[int, ...] = ()

    def shape_for(self, height: int, width: int, side_px: int | None = None) -> tuple[int, int]:
        """Height and width of the network's input for a picture of this size, or for a look at it with `side_px`."""
        return input_shape(self.sizes, height, width, side_px or self.height, side_px or self.width)

    def probability(self, score: float, label: Label) -> float:
        """Calibrated probability of a raw score 0..1 of a label (Platt on the logit)."""
        clipped = min(max(score, 1e-6), 1 - 1e-6)
        a, b = label.platt or self.platt
        return 1 / (1 + math.exp(-(a * math.log(clipped / (1 - clipped)) + b)))


def shipped_packs() -> list[str]:
    """Names of the packs and overlays that travel with the project."""
    return sorted(path.parent.name for kind in ("pack.toml", OVERLAY) for path in SHIPPED.glob(f"*/{kind}"))


def load_pack(where: str | Path) -> Pack:
    """A shipped pack by its folder's name, or any pack or overlay by its path. Raises PackError."""
    folder = SHIPPED / where if str(where) in shipped_packs() else Path(where)
    if (folder / OVERLAY).is_file():
        return _overlaid(folder)
    card_path, model = folder / "pack.toml", folder / "model.onnx"
    for path in (card_path, model):
        if not path.is_file():
            raise PackMissing(
                f"no pack at {folder}: {path.name} is missing; shipped packs: {', '.join(shipped_packs()) or 'none'}"
            )
    card = _read(card_path, _File)
    with model.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if card.digest != f"sha256:{digest}":
        raise WrongDigest(f"{model} is not the network its card speaks of (sha256 {digest}); copy the pack again")
    return Pack(
        name=card.name, digest=digest, folder=folder, model=model, width=card.input.width, height=card.input.height,
        sizes=card.input.sizes, rgb=card.input.colour == "rgb",
        scale=card.input.scale, pad=card.input.pad, end_to_end=card.output.layout == "end_to_end", labels=tuple(card.labels),
        platt=(card.calibration.a, card.calibration.b), licence=card.licence, card=card.card,
    )  # fmt: skip


def read_overlay(folder: Path) -> tuple[Overlay, str | Path]:
    """overlay.toml of a folder, and its base as `load_pack` takes it. Raises MalformedPack."""
    overlay = _read(folder / OVERLAY, Overlay)
    base = overlay.base if overlay.base in shipped_packs() else folder / overlay.base
    if ((SHIPPED / base if isinstance(base, str) else base) / OVERLAY).is_file():
        raise MalformedPack(f"{folder / OVERLAY}: base: {base} is an overlay itself; name its base")
    return overlay, base


def _overlaid(folder: Path) -> Pack:
    """The base of an overlay with what the overlay changes. Its name tells the overlay's bytes, so that two calibrations can be told apart."""
    overlay, where = read_overlay(folder)
    try:
        base = load_pack(where)
    except PackMissing as missing:
        raise PackMissing(f"{folder / OVERLAY}: base: {missing}") from None
    if overlay.digest != f"sha256:{base.digest}":
        raise WrongDigest(
            f"{folder / OVERLAY} was fitted to another network than {where} (sha256 {base.digest}); fit it again: trikeye models calibrate"
        )
    if overlay.sides_px and base.sizes == "fixed":
        raise MalformedPack(
            f"{folder / OVERLAY}: sides_px: the network of {where} takes one shape alone; export it with --size wide"
        )
    changed = {each.name: each for each in overlay.labels}
    unknown = sorted(changed.keys() - {label.name for label in base.labels})
    if unknown:
        raise MalformedPack(f"{folder / OVERLAY}: labels: {base.name} has no {', '.join(unknown)}")
    labels = tuple(
        label.model_copy(update=changed[label.name].model_dump(exclude={"name"}, exclude_none=True))
        if label.name in changed
        else label
        for label in base.labels
    )
    digest = hashlib.sha256((folder / OVERLAY).read_bytes()).hexdigest()
    card = {**base.card, "overlay": [f"{key}: {value}" for key, value in overlay.fitted_on.items()]}
    name = f"{base.name[:54]}+{digest[:8]}"
    return replace(base, name=name, folder=folder, labels=labels, card=card, sides_px=overlay.sides_px)


def _read(path: Path, kind: type[T]) -> T:
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise MalformedPack(f"{path} is no TOML: {wrong}") from None
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        raise MalformedPack(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None

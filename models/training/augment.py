"""Augmentation of a whole batch on the device that trains: mosaic, scale, turn, shift, flip, colour, blur and noise.

A network of this size trains faster than sixteen processor cores can warp pictures for it; here warping is one more tensor operation.
Pictures are float [n, 3, side, side] in 0..1, each picture's content in the upper left; boxes are x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.pixels import paste_warped

GREY = 114 / 255
LEAST_PX, LEAST_SHARE = 2.0, 0.1
"""A box that is smaller than this after warping, or of which less than this is left in view, is no example any more."""
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Strength:
    """How much is varied. `mosaic`, `flip`, `blur`, `noise` are probabilities, the others ranges around no change."""

    mosaic: float = 1.0
    scale: float = 0.5
    shift: float = 0.1
    turn_deg: float = 0.0
    flip: float = 0.5
    hue: float = 0.015
    saturation: float = 0.7
    brightness: float = 0.4
    blur: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class Layout:
    """Where each output picture gets its content from: up to four tiles on a canvas of twice the side, seen through one warp.

    `tiles` [n, 4] are picture numbers (-1: none), `origins` [n, 4, 2] their upper left corners on the canvas, and a canvas point p
    shows at `warp` [n, 2, 2] @ (p - side) + `centre` [n, 2].
    """

    tiles: Tensor
    origins: Tensor
    warp: Tensor
    centre: Tensor


def augment(
    pictures: Tensor, sizes: Tensor, boxes: Tensor, of: Tensor, groups: Tensor, strength: Strength
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pictures, boxes, the picture each box is in, and the number of the box it was made of.

    `sizes` [n, 2] are width and height of the contents; `of` [m] is each box's picture; only pictures of one of `groups` [n] meet in a mosaic.
    """
    plan = layout(sizes, groups, pictures.shape[-1], strength)
    placed, inside, made_of = warp_boxes(boxes, of, sizes, plan, pictures.shape[-1])
    return recolour(warp_pictures(pictures, sizes, plan), strength), placed, inside, made_of


def layout(sizes: Tensor, groups: Tensor, side: int, strength: Strength) -> Layout:
    """Draw tiles and warps by lot."""
    n, device = len(sizes), sizes.device
    same = (groups[:, None] == groups[None, :]).float()
    tiles = torch.cat([torch.arange(n, device=device)[:, None], torch.multinomial(same, 3, replacement=True)], dim=1)
    mosaic = _lot(n, device) < strength.mosaic
    middle = side * (0.5 + torch.rand(n, 2, device=device))
    w, h = sizes[tiles].unbind(-1)
    zero = torch.zeros(n, device=device)
    back = torch.stack([torch.stack([w[:, 0], h[:, 0]], 1), torch.stack([zero, h[:, 1]], 1),
                        torch.stack([w[:, 2], zero], 1), torch.stack([zero, zero], 1)], dim=1)  # fmt: skip
    origins = middle[:, None] - back
    origins[~mosaic, 0] = side - sizes[~mosaic] / 2
    tiles[~mosaic, 1:] = -1
    angle = torch.deg2rad(_around(n, strength.turn_deg, device))
    zoom = 1 + _around(n, strength.scale, device)
    mirror = torch.where(_lot(n, device) < strength.flip, -1.0, 1.0)
    warp = torch.stack(
        [torch.stack([angle.cos() * mirror, -angle.sin()], 1), torch.stack([angle.sin() * mirror, angle.cos()], 1)], 1
    )
    centre = side * (0.5 + strength.shift * (2 * torch.rand(n, 2, device=device) - 1))
    return Layout(tiles, origins, warp * zoom[:, None, None], centre)


def warp_pictures(pictures: Tensor, sizes: Tensor, plan: Layout) -> Tensor:
    """Sample every tile where the output shows it."""
    return (_warp_by_opencv if pictures.device.type == "cpu" else _warp_by_sampling)(pictures, sizes, plan)


def _warp_by_opencv(pictures: Tensor, sizes: Tensor, plan: Layout) -> Tensor:
    # On two cores 25 times faster than sampling a grid, which took longer than the network.
    side = pictures.shape[-1]
    given = pictures.permute(0, 2, 3, 1).contiguous().numpy()
    out = np.full_like(given, GREY)
    for target, (tiles, origins, warp, centre) in enumerate(
        zip(plan.tiles.tolist(), plan.origins.numpy(), plan.warp.numpy(), plan.centre.numpy(), strict=True)
    ):
        for tile, origin in zip(tiles, origins, strict=True):
            if tile < 0:
                continue
            low = np.clip(np.ceil(-origin), 0, None).astype(int)
            high = np.minimum(sizes[tile].numpy(), np.floor(2 * side - origin)).astype(int)
            if (high <= low).any():
                continue
            shift = centre + warp @ (origin + low - side)  # of the corner of the tile's first pixel
            matrix = np.column_stack([warp, shift + (warp.sum(axis=1) - 1) / 2])  # pixels' middles lie half a pixel on
            paste_warped(given[tile, low[1] : high[1], low[0] : high[0]], matrix, out[target])
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def _warp_by_sampling(pictures: Tensor, sizes: Tensor, plan: Layout) -> Tensor:
    side = pictures.shape[-1]
    at = torch.arange(side, device=pictures.device) + 0.5
    seen = torch.stack(torch.meshgrid(at, at, indexing="xy"), dim=-1)
    canvas = (seen[None] - plan.centre[:, None, None]) @ torch.linalg.inv(plan.warp).mT[:, None] + side
    on_canvas = ((canvas >= 0) & (canvas < 2 * side)).all(-1)
    out = torch.full_like(pictures, GREY)
    for number in range(4):
        tile = plan.tiles[:, number]
        inner = canvas - plan.origins[:, number, None, None]
        shown = ((inner >= 0) & (inner < sizes[tile][:, None, None])).all(-1) & on_canvas & (tile >= 0)[:, None, None]
        sampled = functional.grid_sample(
            pictures[tile.clamp(min=0)], inner * (2 / side) - 1, align_corners=False, padding_mode="border"
        )
        out = torch.where(shown[:, None], sampled, out)
    return out


def warp_boxes(boxes: Tensor, of: Tensor, sizes: Tensor, plan: Layout, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """The boxes as the output shows them, cut to what is in view; the picture each is in, in order; the box each was made of."""
    made_of, inside, number = (of[:, None, None] == plan.tiles[None]).nonzero().unbind(-1)
    origin = plan.origins[inside, number]
    on_canvas = (boxes[made_of] + origin.repeat(1, 2)).clamp(0, 2 * side)
    corners = on_canvas[:, [0, 1, 2, 1, 2, 3, 0, 3]].view(-1, 4, 2)
    warped = (corners - side) @ plan.warp[inside].mT + plan.centre[inside, None]
    whole = torch.cat([warped.amin(1), warped.amax(1)], dim=1)
    cut = whole.clamp(0, side)
    (wide, high), area = (
        (cut[:, 2:] - cut[:, :2]).unbind(1),
        _area(boxes[made_of]) * torch.linalg.det(plan.warp)[inside].abs(),
    )
    good = (wide > LEAST_PX) & (high > LEAST_PX) & (wide * high > LEAST_SHARE * area)
    kept = good.nonzero().flatten()
    kept = kept[inside[kept].argsort(stable=True)]
    return cut[kept], inside[kept], made_of[kept]


def recolour(pictures: Tensor, strength: Strength) -> Tensor:
    """Hue, saturation, brightness, blur by motion, and the noise of a sensor, each picture by its own lot."""
    n, device = len(pictures), pictures.device
    luma = torch.tensor(LUMA, device=device).expand(n, 3, 3)
    turned = _hue_matrix(2 * torch.pi * _around(n, strength.hue, device))
    bright = (1 + _around(n, strength.brightness, device)).view(n, 1, 1)
    vivid = (1 + _around(n, strength.saturation, device)).view(n, 1, 1)
    pixels = pictures.permute(0, 2, 3, 1).reshape(n, -1, 3)
    mixed = torch.bmm(pixels, ((luma + (turned - luma) * vivid) * bright).mT).clamp_(0, 1)
    out = mixed.view(n, *pictures.shape[2:], 3).permute(0, 3, 1, 2)
    for number in (_lot(n, device) < strength.blur).nonzero().flatten().tolist():
        length = int(torch.randint(1, 4, ())) * 2 + 1
        kernel = (1, length) if torch.rand(()) < 0.5 else (length, 1)
        out[number] = functional.avg_pool2d(
            out[number], kernel, 1, (kernel[0] // 2, kernel[1] // 2), count_include_pad=False
        )
    for number in (_lot(n, device) < strength.noise).nonzero().flatten().tolist():
        out[number] += torch.randn_like(out[number]) * torch.rand((), device=device) * 0.05
    return out.clamp(0, 1)


def _hue_matrix(angle: Tensor) -> Tensor:
    """Rotation about the grey axis, [n, 3, 3] (Rodrigues)."""
    c, s, third = angle.cos(), angle.sin(), 1 / 3
    plain, plus, minus = c + (1 - c) * third, (1 - c) * third + s * third**0.5, (1 - c) * third - s * third**0.5
    return torch.stack(
        [
            torch.stack([plain, minus, plus], 1),
            torch.stack([plus, plain, minus], 1),
            torch.stack([minus, plus, plain], 1),
        ],
        1,
    )


def _lot(n: int, device: torch.device) -> Tensor:
    return torch.rand(n, device=device)


def _around(n: int, range_: float, device: torch.device) -> Tensor:
    return (2 * torch.rand(n, device=device) - 1) * range_


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])

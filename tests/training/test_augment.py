"""Augmentation on the device: boxes go where their pixels go, groups never mix, and nothing leaves its range."""

from __future__ import annotations

import pytest
import torch

from models.training.augment import Strength, _warp_by_opencv, _warp_by_sampling, augment, layout, recolour

SIDE = 160
PLAIN = Strength(hue=0, saturation=0, brightness=0)


@pytest.fixture
def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Six pictures, three wide and three high, a red square in each, in two groups."""
    sizes = torch.tensor([[160.0, 120.0]] * 3 + [[100.0, 160.0]] * 3)
    pictures = torch.zeros(6, 3, SIDE, SIDE)
    for picture, (width, height) in zip(pictures, sizes.int().tolist(), strict=True):
        picture[:, :height, :width] = 0.3
        picture[0, 40:80, 30:80] = 1.0
    boxes = torch.tensor([[30.0, 40.0, 80.0, 80.0]] * 6)
    return pictures, sizes, boxes, torch.arange(6), torch.tensor([0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize("seed", range(20))
def test_a_box_holds_its_square_and_every_square_has_its_box(seed: int, scene: tuple[torch.Tensor, ...]) -> None:
    torch.manual_seed(seed)
    pictures, sizes, boxes, of, groups = scene
    strength = Strength(mosaic=seed % 2, scale=0.5, turn_deg=0, hue=0, saturation=0, brightness=0)
    varied, placed, inside, made_of = augment(pictures, sizes, boxes, of, groups, strength)
    outside = 0
    for number in range(6):
        red, covered = varied[number, 0] > 0.6, torch.zeros(SIDE, SIDE, dtype=torch.bool)
        for x1, y1, x2, y2 in placed[inside == number].tolist():
            assert red[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1].float().mean() > 0.6
            covered[max(0, int(y1) - 1) : int(y2) + 2, max(0, int(x1) - 1) : int(x2) + 2] = True
        outside += int((red & ~covered).sum())
    # Squares of which less than a tenth is in view lose their boxes; nothing else may stick out.
    assert outside < 0.03 * SIDE * SIDE
    assert inside.tolist() == sorted(inside.tolist())
    assert set(made_of.tolist()) <= set(range(6))


def test_a_mosaic_is_made_of_one_group(scene: tuple[torch.Tensor, ...]) -> None:
    torch.manual_seed(1)
    _, sizes, _, _, groups = scene
    plan = layout(sizes, groups, SIDE, PLAIN)
    assert (plan.tiles >= 0).all()
    assert (groups[plan.tiles] == groups[:, None]).all()


def test_without_any_strength_a_picture_stays_as_it_is_in_the_middle(scene: tuple[torch.Tensor, ...]) -> None:
    pictures, sizes, boxes, of, groups = scene
    still = Strength(mosaic=0, scale=0, shift=0, flip=0, hue=0, saturation=0, brightness=0)
    varied, placed, inside, _ = augment(pictures, sizes, boxes, of, groups, still)
    assert inside.tolist() == list(range(6))
    torch.testing.assert_close(placed[0], torch.tensor([30.0, 60.0, 80.0, 100.0]))
    torch.testing.assert_close(varied[0, :, 20:140], pictures[0, :, :120])


def test_colours_stay_in_range_and_grey_has_no_hue() -> None:
    torch.manual_seed(2)
    loud = Strength(hue=0.1, saturation=0.9, brightness=0.9, blur=1, noise=1)
    varied = recolour(torch.rand(8, 3, 40, 40), loud)
    assert varied.min() >= 0
    assert varied.max() <= 1
    grey = recolour(torch.full((4, 3, 8, 8), 0.5), Strength(hue=0.3, saturation=0.9, brightness=0))
    torch.testing.assert_close(grey, torch.full_like(grey, 0.5), atol=1e-4, rtol=0)


def test_both_ways_of_warping_show_the_same() -> None:
    torch.manual_seed(3)
    blocks = torch.rand(4, 3, 16, 16).repeat_interleave(16, 2).repeat_interleave(16, 3)
    sizes = torch.tensor([[256.0, 180.0], [200.0, 256.0], [256.0, 256.0], [256.0, 100.0]])
    plan = layout(sizes, torch.zeros(4, dtype=torch.long), 256, Strength(turn_deg=5))
    apart = (_warp_by_opencv(blocks, sizes, plan) - _warp_by_sampling(blocks, sizes, plan)).abs().amax(1)
    assert apart.median() < 1e-3
    assert (apart > 0.1).float().mean() < 0.03  # one pixel at the borders of blocks and tiles

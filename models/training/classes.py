"""The network's classes in their order, and what each means for the product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["problem", "contrast", "context"]


@dataclass(frozen=True)
class NetworkClass:
    """One output of the network: the taxonomy category it stands for (empty if none) and its role."""

    name: str
    category: str
    role: Role


CLASSES = (
    NetworkClass("garbage", "exposed_garbage", "problem"),
    NetworkClass("garbage_bag", "bagged_garbage", "problem"),
    NetworkClass("bin_overflow", "overflowing_bin", "problem"),
    NetworkClass("bin_ok", "", "contrast"),
    NetworkClass("rubble", "waste_pile", "problem"),
    NetworkClass("dumped_bulky", "discarded_furniture", "problem"),
    NetworkClass("pothole", "road_damage", "problem"),
    NetworkClass("crack", "road_damage", "problem"),
    NetworkClass("road_patch", "", "contrast"),
    NetworkClass("manhole_ok", "", "contrast"),
    NetworkClass("manhole_bad", "manhole_fault", "problem"),
    NetworkClass("water_on_road", "road_ponding", "problem"),
    NetworkClass("footpath_damaged", "road_damage", "problem"),
    NetworkClass("streetlight_broken", "streetlight_fault", "problem"),
    NetworkClass("sign_ok", "", "contrast"),
    NetworkClass("sign_damaged", "traffic_sign_fault", "problem"),
    NetworkClass("roadwork", "work_zone_occupation", "context"),
    NetworkClass("cone", "work_zone_occupation", "context"),
    NetworkClass("graffiti", "small_ads", "problem"),
    NetworkClass("bad_billboard", "damaged_ad_board", "problem"),
    NetworkClass("window_ad", "illegal_outdoor_ad", "context"),
    NetworkClass("shop_sign", "", "contrast"),
    NetworkClass("facade_unkept", "facade_dirty", "problem"),
    NetworkClass("sand_on_road", "road_dirty", "problem"),
    NetworkClass("person", "", "context"),
    NetworkClass("bicycle", "", "context"),
    NetworkClass("motorcycle", "", "context"),
    NetworkClass("car", "", "context"),
    NetworkClass("bus", "", "context"),
    NetworkClass("truck", "", "context"),
    NetworkClass("umbrella", "", "context"),
    NetworkClass("chair", "", "context"),
    NetworkClass("dining_table", "", "context"),
)
NAMES = tuple(each.name for each in CLASSES)
CONTEXT_FROM_COCO = {
    0: "person",
    1: "bicycle",
    3: "motorcycle",
    2: "car",
    5: "bus",
    7: "truck",
    25: "umbrella",
    56: "chair",
    60: "dining_table",
}
"""COCO's class number → the name of ours that the COCO weights may label."""

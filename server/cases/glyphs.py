"""What stands under a mark of the map: two letters, no two categories the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from models.taxonomy import CATEGORIES
from server.categories.rules import category_of

CHINESE = {
    "exposed_garbage": "暴露", "overflowing_bin": "满溢", "bagged_garbage": "打包", "waste_pile": "积存", "discarded_furniture": "家具", "damaged_bin": "桶损", "dead_animal": "动物",
    "kitchen_waste_spill": "餐厨", "waste_burning": "焚烧", "sewage_dumping": "污水", "road_dirty": "路脏", "road_spill": "遗撒", "road_damage": "坑槽", "road_collapse": "塌陷",
    "road_ponding": "积水", "snow_ice": "积雪", "worn_marking": "标线", "manhole_fault": "井盖", "storm_grate_fault": "箅子", "kerb_damage": "缘石", "tactile_paving_damage": "盲道",
    "streetlight_fault": "路灯", "cabinet_fault": "箱体", "guardrail_fault": "护栏", "bollard_fault": "路桩", "crash_barrel_fault": "撞桶", "traffic_sign_fault": "标志", "bus_stop_fault": "公交",
    "fitness_equipment_fault": "健身", "bench_fault": "座椅", "fire_facility_fault": "消防", "dangling_cable": "线缆", "illegal_cabling": "飞线", "fire_lane_blocked": "通道",
    "shop_spillover": "店外", "roadside_stall": "占道", "mobile_vendor": "游商", "umbrella_on_pavement": "撑伞", "outdoor_barbecue": "烧烤", "misparked_two_wheeler": "非机",
    "misparked_shared_bike": "单车", "misparked_car": "机动", "tactile_paving_blocked": "占盲", "abandoned_vehicle": "废车", "clutter_pile": "堆物", "street_drying": "晾挂", "scrap_collection": "收购",
    "car_washing_on_road": "洗车", "parking_lock": "地锁", "small_ads": "小广", "illegal_outdoor_ad": "违广", "illegal_signboard": "牌匾", "banner": "横幅", "damaged_ad_board": "广损",
    "unauthorised_structure": "私搭", "work_zone_occupation": "施工", "road_digging": "掘路", "site_dust": "扬尘", "construction_debris": "弃料", "uncovered_material": "物料", "hoarding_damage": "围挡",
    "uncovered_muck_truck": "渣车", "mud_tracking": "夹带", "green_dirty": "绿脏", "green_damage": "绿损", "green_encroachment": "占绿", "green_waste": "绿弃", "tree_fallen": "倒树", "tree_hanging": "树挂",
    "tree_guard_fault": "护树", "facade_dirty": "立面", "balcony_clutter": "阳台", "water_dirty": "水域",
}  # fmt: skip
SMALL = frozenset({"a", "or", "and", "of", "the", "on", "in", "to", "for", "from", "with", "not"})


def glyph_of(category: str, language: str) -> str:
    """Two letters for a category; one that was retired goes by the first of its key, and may share them."""
    chinese = language.startswith("zh")
    known = CHINESE if chinese else _english()
    return known.get(category) or (category_of(category).name_zh if chinese else category)[:2].capitalize()


@cache
def _english() -> dict[str, str]:
    """By turns: the first letters of the first word and another one, else the first and another letter."""
    taken: dict[str, str] = {}
    for key, each in CATEGORIES.items():
        taken[key] = next(pair for pair in _pairs(each.name_en) if pair not in taken.values())
    return taken


def _pairs(name: str) -> Iterator[str]:
    first, *others = (word for word in re.split(r"[^A-Za-z]+", name) if word and word.casefold() not in SMALL)
    yield from (first[0].upper() + word[0].upper() for word in others)
    yield from (first[0].upper() + letter for letter in "".join((first[1:], *others)).casefold())

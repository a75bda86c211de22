"""`trikeye server import-places`: a city's roads, landmarks, unit grids and districts, by which cards and hand-overs name places."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from server.start import start_over_data

MORE = """The file is a GeoJSON FeatureCollection in degrees of WGS-84 (not of GCJ-02, in which Amap and Tencent draw): roads as lines, landmarks as
points or polygons, grids and districts as polygons, with properties name_zh (or name), name_en and code; a grid needs its code, all others a name.
It takes the place of all features of its kind in the city; with any fault nothing changes. Cases are named again within minutes."""
STEP = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from server.places.rules import Kind

    parser.description = f"{parser.description} {MORE}"
    parser.add_argument("file", type=Path, metavar="FILE", help="GeoJSON")
    parser.add_argument("--city", required=True, metavar="KEY", help="key of the city")
    parser.add_argument("--kind", required=True, choices=[kind.value for kind in Kind], help="what the file holds")
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from django.utils import timezone

    from calibration.words import of_file
    from server.fleet.models import City
    from server.places.geojson import BadPlaces, read
    from server.places.rules import Kind
    from server.places.services import bounds_of, replace

    city, kind = City.objects.filter(key=args.city).first(), Kind(args.kind)
    if city is None:
        known = ", ".join(City.objects.values_list("key", flat=True)) or "none; trikeye server vehicle add makes one"
        print(f"trikeye server import-places: there is no city {args.city}; there is: {known}", file=sys.stderr)
        return 1
    try:
        features = read(args.file.read_bytes(), kind, bounds_of(city), progress)
    except OSError as wrong:
        print(f"trikeye server import-places: {of_file(args.file, wrong)}", file=sys.stderr)
        return 1
    except BadPlaces as wrong:
        print(
            f"trikeye server import-places: {args.file} was not imported, all is as it was:\n{wrong}", file=sys.stderr
        )
        return 1
    replaced = replace(city, kind, features, timezone.now())
    if args.json:
        print(json.dumps({"city": city.key, "kind": kind, "features": len(features), "replaced": replaced}))
    else:
        print(f"{city.key}: {len(features)} features of kind {kind} imported, {replaced} of before replaced")
    return 0


def progress(done: int, of: int) -> None:
    """Features read, for a file of many."""
    if not done % STEP or (done == of > STEP):
        print(f"{done} of {of} features read", file=sys.stderr)

"""The map of cases: the page with a map that needs no script, what the script asks for, and what it shows of one case."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET

from models.taxonomy import city_codes
from server import errors
from server.accounts.services import cases_for, cities_for, home_city_id, is_inside
from server.cases.asked import asked, read_as_vehicle, with_vehicle
from server.cases.filters import ALL, Filter, filter_of, query_of
from server.cases.geo import BadBox, Box, Shape, around, box_of, collection, point, shape_of
from server.cases.glyphs import glyph_of
from server.cases.history import in_dispute, takes_it_for_new
from server.cases.map_rows import MOST, Found, Heap, Spot, look, whole
from server.cases.map_svg import APART_PX, SHAPE, WIDTH, Lines, draw, ground_mark, heap_mark, mark
from server.cases.models import Picture
from server.cases.officers import state_words
from server.cases.roads import roads_in
from server.cases.rules import State
from server.cases.told import as_told
from server.categories.rules import category_of
from server.city.deadlines import deadline_line
from server.fleet.models import City
from server.places.words import kept_line
from server.words import category_name, severity_name, state_name

DRAWN = 300
"""Cases that the map without script shows one by one."""
MOVES = (("north", 0.0, 0.3, 1.0), ("south", 0.0, -0.3, 1.0), ("west", -0.3, 0.0, 1.0), ("east", 0.3, 0.0, 1.0), ("closer", 0.0, 0.0, 0.5), ("farther", 0.0, 0.0, 2.0))  # fmt: skip
CHINA = Box(73.0, 18.0, 135.0, 54.0)


@require_GET
def case_map(request: HttpRequest) -> HttpResponse:
    """The page. It holds the map as a drawing whose marks and buttons are links; the script puts one in its place that moves."""
    wanted, person = filter_of(request.GET.dict()), request.user
    if (by_vehicle := with_vehicle(person, wanted)) is not None:
        return read_as_vehicle(request, by_vehicle)
    try:
        given = box_of(request.GET["bbox"]) if request.GET.get("bbox") else None
    except BadBox as wrong:
        return _bad_box(request, wrong)
    asked_for = given or begin(person, wanted)
    box = asked_for.fitted(SHAPE)
    query, found = query_of(wanted), look(person, wanted, box, DRAWN)
    svg = drawing(person, box, found, query)
    return render(request, "map.html", asked(person, wanted) | {
        "svg": mark_safe(svg), "said": said(found), "box": asked_for.text, "is_given": given is not None, "query": query,
        "moves": [(name, _move_name(name), _query(query, box.moved(*by))) for name, *by in MOVES], "whole": f"?{query}",
        "legend": legend(person, box), "letters": letters_of(found, svg), "list": f"{reverse('case_list')}?{query}",
    })  # fmt: skip


@require_GET
@gzip_page
def cases_geojson(request: HttpRequest) -> HttpResponse:
    """The cases of a box as GeoJSON, or their numbers by cell where there are too many to tell."""
    wanted, language = filter_of(request.GET.dict()), get_language() or "zh-hans"
    try:
        box = box_of(request.GET.get("bbox", ""))
    except BadBox as wrong:
        return _bad_box(request, wrong)
    found = look(request.user, wanted, box, MOST)
    keys = dict(City.objects.values_list("id", "key"))
    spots = (point(s.lat_deg, s.lon_deg, number=s.number, city=keys[s.city_id], category=s.category, state=s.state, shape=shape_of(s.state)) for s in found.spots)  # fmt: skip
    heaps = (point(h.lat_deg, h.lon_deg, cases=h.cases) for h in found.heaps)
    kinds = {spot.category for spot in found.spots}
    glyphs, names = {key: glyph_of(key, language) for key in kinds}, {key: category_name(key) for key in kinds}
    return JsonResponse(collection((*spots, *heaps), counted=bool(found.heaps), total=found.total, frame=_framed("{said}", found), glyphs=glyphs, names=names))  # fmt: skip


@require_GET
@gzip_page
def roads_geojson(request: HttpRequest) -> HttpResponse:
    """What the map of a box lies on, as GeoJSON."""
    try:
        box = box_of(request.GET.get("bbox", ""))
    except BadBox as wrong:
        return _bad_box(request, wrong)
    roads = roads_in(request.user, box)
    return JsonResponse(collection(_line(line, roads) for line in roads.lines))


def _line(line: list[tuple[float, float]], roads: Lines) -> dict[str, Any]:
    places = [[round(lon, 6), round(lat, 6)] for lat, lon in line]
    alone = len(places) == 1
    geometry = {"type": "Point" if alone else "LineString", "coordinates": places[0] if alone else places}
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {"kind": roads.kind, "wide_m": round(roads.wide_m, 1)},
    }


@require_GET
def case_peek(request: HttpRequest, number: int) -> HttpResponse:
    """What the map shows of a case: its best picture and a few lines."""
    city = request.GET.get("city")
    of_city = {"city__key": city} if city else {"city_id": home_city_id(request.user)}
    case = get_object_or_404(cases_for(request.user).select_related("city", "place"), number=number, **of_city)
    pictures = Picture.objects.filter(sighting__case=case, role="best", hidden_at=None)
    told, is_new = as_told(case, request.user), takes_it_for_new(case, request.user)
    severity = category_of(told.category).severity
    return render(request, "case_peek.html", {
        "case": told, "name": category_name(told.category), "state": state_words(told.state, request.user, in_dispute=bool(in_dispute([case], request.user))), "place": kept_line(case), "deadline": "" if is_new else deadline_line(case, timezone.now()),
        "mark": mark_safe(mark(shape_of(told.state))), "severity_key": severity, "severity": severity_name(severity), "address": address(case.number, case.city.key, case.city_id, request.user),
        "picture": pictures.order_by("-sighting__probability").first(),
    })  # fmt: skip


def drawing(person: Any, box: Box, found: Found, query: str, apart_px: int = APART_PX, wide_px: int = WIDTH) -> str:
    """The map without script; heaps lead closer, with the filter that `query` is. The narrower it is, the larger are its marks."""
    keys, home_id = dict(City.objects.values_list("id", "key")), home_city_id(person)

    def closer(heap: Heap) -> str:
        lat, lon = box.middle
        moved = box.moved((heap.lon_deg - lon) / (box.east - box.west), (heap.lat_deg - lat) / (box.north - box.south), 0.4)  # fmt: skip
        return reverse("case_map") + _query(query, moved)

    def of_case(spot: Spot) -> str:
        return reverse("case", args=[spot.number]) + ("" if spot.city_id == home_id else f"?city={keys[spot.city_id]}")

    return draw(box, found, roads_in(person, box), said(found), of_case, closer, apart_px, wide_px)


def said(found: Found) -> str:
    """What the map shows, in a sentence."""
    if not found.total:
        return _("No case in this part of the map.")
    if found.heaps:
        return _("Cases in this part of the map: %(cases)d, counted by place: closer, each is shown by itself.") % {"cases": found.total}  # fmt: skip
    return _framed(_("Cases in this part of the map: %(cases)d.") % {"cases": found.total}, found)


def _framed(words: str, found: Found) -> str:
    """The same with what must be added where not all were looked at."""
    return _("%(said)s Only the newest that match were looked at.") % {"said": words} if found.limited else words


def address(number: int, city_key: str, city_id: int, person: Any) -> str:
    """A case's page: its number, and its city where that isn't the reader's."""
    return reverse("case", args=[number]) + ("" if city_id == home_city_id(person) else f"?city={city_key}")


def begin(person: Any, wanted: Filter) -> Box:
    """All that is asked for, else all there is, else the city as its file draws it."""
    if (cells := whole(person, wanted) or whole(person, Filter(state=ALL))) is not None:
        few = look(person, wanted, cells, DRAWN).spots
        return around([(spot.lat_deg, spot.lon_deg) for spot in few]) or cells
    known = [city_codes(key) for key in City.objects.filter(id__in=cities_for(person)).values_list("key", flat=True)]
    return next((Box(*each.bounds_deg) for each in known if each and each.bounds_deg), CHINA)


def _bad_box(request: HttpRequest, wrong: BadBox) -> HttpResponse:
    return errors.answer(request, 400, "bbox", _("This is no part of the map"), str(wrong))


def _query(query: str, box: Box) -> str:
    return "?" + (f"{query}&" if query else "") + urlencode({"bbox": box.text}, safe=",")


def legend(person: Any, box: Box) -> list[tuple[str, str]]:
    """Marks and what they mean: of shapes those alone that this person may meet."""
    told: list[tuple[str, str]] = [(mark_safe(mark(shape)), name) for shape, name in _shapes(is_inside(person))]
    told.append((mark_safe(heap_mark()), _("several cases, how many")))
    if (ground := roads_in(person, box)).lines:
        names = {"seen": _("ground that vehicles looked at"), "road": _("roads, or where vehicles drove")}
        told.append((mark_safe(ground_mark(ground.kind)), names[ground.kind]))
    return told


def letters_of(found: Found, svg: str) -> list[tuple[str, str]]:
    """The letters that are drawn under marks, and the categories that they stand for."""
    language = get_language() or "zh-hans"
    told = sorted((glyph_of(key, language), category_name(key)) for key in {spot.category for spot in found.spots})
    return [(glyph, name) for glyph, name in told if f">{glyph}</text>" in svg]


def _shapes(inside: bool) -> list[tuple[Shape, str]]:
    at_city = [(Shape.CITY, _("with the city")), (Shape.FIXED, state_name(State.FIXED))]
    if not inside:
        return [*at_city, (Shape.BACK, state_name(State.REOPENED)), (Shape.CLOSED, state_name(State.RETRACTED))]
    return [(Shape.OPEN, _("with the back office")), *at_city, (Shape.BACK, _("came back")), (Shape.CLOSED, _("rejected or retracted"))]  # fmt: skip


def _move_name(name: str) -> str:
    return {"north": _("North"), "south": _("South"), "west": _("West"), "east": _("East"), "closer": _("Closer"), "farther": _("Farther")}[name]  # fmt: skip

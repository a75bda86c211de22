"""Every address of the back office."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from server import pages
from server.categories import views as categories
from server.city import views as city
from server.coverage import views as coverage
from server.fleet import views as fleet
from server.review import views as review

urlpatterns = [
    path("", pages.home, name="home"),
    path("login/", pages.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", pages.language, name="language"),
    path("health/", pages.health, name="health"),
    path("pictures/<str:sha256>.jpg", pages.picture, name="picture"),
    path("pictures/signed/<str:signed>.jpg", pages.picture_signed, name="picture_signed"),
    path("review/", review.queue, name="review_queue"),
    path("review/lease", review.lease_cards, name="review_lease"),
    path("review/renew", review.renew_lease, name="review_renew"),
    path("review/give-back", review.give_back_cards, name="review_give_back"),
    path("review/verdicts", review.take_verdict, name="review_verdicts"),
    path("review/undo", review.undo_last, name="review_undo"),
    path("cases/", pages.case_list, name="case_list"),
    path("cases/<int:number>/", pages.case_page, name="case"),
    path("categories/", categories.categories, name="categories"),
    path("coverage/", coverage.coverage, name="coverage"),
    path("coverage/cells.json", coverage.cells, name="coverage_cells"),
    path("fleet/", fleet.vehicles, name="vehicles"),
    path("city/status/<int:destination_id>", city.status, name="city_status"),
]

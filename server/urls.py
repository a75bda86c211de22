"""Every address of the back office; whom each is for stands in roles.py."""

from __future__ import annotations

from django.urls import path

from server import errors, health, metrics, pictures_views
from server.accounts import own_account, preferences, sessions, users_views
from server.accounts import signin_views as signin
from server.accounts import views as accounts
from server.api.api import api
from server.audit import views as audit
from server.cases import deeds_views as deeds
from server.cases import export_views, list_views, map_views
from server.cases import views as cases
from server.categories import views as categories
from server.city import views as city
from server.coverage import views as coverage
from server.dashboard import report
from server.dashboard import views as dashboard
from server.fleet import views as fleet
from server.quality import views as quality
from server.review import batch_views, broken, dispute_views, faces, gold_views, mine, nothing, same
from server.review import views as review

handler400, handler403, handler404, handler500 = errors.bad_request, errors.forbidden, errors.not_found, errors.failed
urlpatterns = [
    path("", accounts.home, name="home"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("report/<str:month>/", report.report, name="report"),
    path("login/", signin.sign_in, name="login"),
    path("login/code/", signin.code, name="login_code"),
    path("login/enrol/", signin.enrol, name="login_enrol"),
    path("login/recovery/", signin.recovery, name="login_recovery"),
    path("login/password/", signin.own_password, name="login_password"),
    path("logout/", signin.sign_out, name="logout"),
    path("session/", sessions.session, name="session"),
    path("language/", accounts.language, name="language"),
    path("health/", health.health, name="health"),
    path("health/ready/", health.ready, name="health_ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("pictures/<str:sha256>.jpg", pictures_views.picture, name="picture"),
    path("pictures/signed/<str:signed>.jpg", pictures_views.picture_signed, name="picture_signed"),
    path("review/", review.queue, name="review_queue"),
    path("review/lease", review.lease_cards, name="review_lease"),
    path("review/renew", review.renew_lease, name="review_renew"),
    path("review/give-back", review.give_back_cards, name="review_give_back"),
    path("review/verdicts", review.take_verdict, name="review_verdicts"),
    path("review/undo", review.undo_last, name="review_undo"),
    path("review/batch/lease", batch_views.lease_cells, name="review_batch_lease"),
    path("review/batch", batch_views.answer_cells, name="review_batch"),
    path("review/feedback", gold_views.feedback, name="review_feedback"),
    path("review/disputes/", dispute_views.disputes, name="review_disputes"),
    path("review/gold/", gold_views.gold_page, name="review_gold"),
    path("review/faces/", faces.faces, name="review_faces"),
    path("review/faces/show", faces.show_faces, name="review_faces_show"),
    path("review/faces/<str:sha256>", faces.open_face, name="review_face"),
    path("review/nothing", nothing.nothing, name="review_nothing"),
    path("review/same", same.same_as, name="review_same"),
    path("review/broken", broken.report_picture, name="review_broken"),
    path("review/mine/", mine.mine, name="review_mine"),
    path("account/", own_account.account, name="account"),
    path("me/keys/", preferences.keys, name="my_keys"),
    path("cases/", list_views.case_list, name="case_list"),
    path("cases/export.<str:kind>", export_views.case_export, name="case_export"),
    path("cases/map/", map_views.case_map, name="case_map"),
    path("cases.geojson", map_views.cases_geojson, name="cases_geojson"),
    path("cases/roads.geojson", map_views.roads_geojson, name="roads_geojson"),
    path("cases/<int:number>/peek", map_views.case_peek, name="case_peek"),
    path("cases/<int:number>/", cases.case_page, name="case"),
    path("cases/<int:number>/print/", cases.case_print, name="case_print"),
    path("cases/<int:number>/note", deeds.note, name="case_note"),
    path("cases/<int:number>/merge", deeds.merge, name="case_merge"),
    path("cases/<int:number>/split", deeds.split, name="case_split"),
    path("cases/<int:number>/reopen", deeds.look_again, name="case_reopen"),
    path("cases/<int:number>/hand-over", deeds.hand_over, name="case_hand_over"),
    path("cases/<int:number>/retract", dispute_views.retract, name="case_retract"),
    path("categories/", categories.categories, name="categories"),
    path("quality/", quality.quality, name="quality"),
    path("quality/category/<slug:key>/", quality.category, name="quality_category"),
    path("quality/vehicle/<str:name>/", quality.vehicle, name="quality_vehicle"),
    path("quality/threshold", quality.threshold, name="quality_threshold"),
    path("coverage/", coverage.coverage, name="coverage"),
    path("coverage/cells.json", coverage.cells, name="coverage_cells"),
    path("fleet/", fleet.vehicles, name="vehicles"),
    path("users/", users_views.users, name="users"),
    path("audit/", audit.audit, name="audit"),
    path("audit/rows.csv", audit.audit_csv, name="audit_csv"),
    path("audit/erase", audit.audit_erase, name="audit_erase"),
    path("api/v1/", api.urls),
    path("city/status/<int:destination_id>", city.status, name="city_status"),
]

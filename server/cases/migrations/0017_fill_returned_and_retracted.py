"""When cases that are there were returned or taken back, from what cities said and the states they are in."""

from django.db import migrations

RETRACTED = "UPDATE cases_case SET retracted_at = state_at WHERE state = 'retracted'"
RETURNED = """UPDATE cases_case SET returned_at = (SELECT MAX(received_at) FROM city_statusreport WHERE case_id = cases_case.id AND status = 'returned' AND applied)
WHERE id IN (SELECT case_id FROM city_statusreport WHERE status = 'returned' AND applied)"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0016_when_returned_and_retracted"), ("city", "0004_find_what_came_to_a_city")]
    operations = [
        migrations.RunSQL(RETRACTED, migrations.RunSQL.noop),
        migrations.RunSQL(RETURNED, migrations.RunSQL.noop),
    ]

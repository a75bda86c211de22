"""The back office: intake, cases, screening, review, city, fleet."""

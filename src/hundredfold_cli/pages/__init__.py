"""Self-contained HTML pages: the report of an ingest, and the dashboards. They need no network to be opened."""

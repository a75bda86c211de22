"""First look (初筛): what is worth a person."""

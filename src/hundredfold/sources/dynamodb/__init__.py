"""DynamoDB tables as sources: items as records, segments of a table, and predictions written back."""

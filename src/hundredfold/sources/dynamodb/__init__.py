"""DynamoDB tables as sources: items as records, segments, and writing predictions back."""

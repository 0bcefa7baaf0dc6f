"""Where records come from: the source's spec, its URI, pinned objects, formats, DynamoDB tables."""

"""The adapters to AWS. Each implements one of `hundredfold.ports`, or sends what a function sends."""

"""The adapters to AWS: each module fulfils one of `hundredfold.ports`."""

"""The outside, as AWS has it: each module fulfils one of `hundredfold.ports`."""

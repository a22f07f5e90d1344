"""One file a target: `test_one_input(data)` calls the real code and lets only `ConvcliError` pass.

A format with check sums or lengths, which random changes would only break, may also have
`mutate(data, rng, change)`: it returns `data` with one of its parts replaced by `change(part)`, and all else
made to fit again. Stored inputs lie in `fuzz/corpus/<target>`, what once was a finding in
`fuzz/findings/<target>`; the tests replay both.
"""

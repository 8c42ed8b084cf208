"""Whether a picture is a copy of another: search, alignment, verbatim tokens, verdicts."""

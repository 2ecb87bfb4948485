"""Wire and domain, both ways, as pure functions: a file per subject."""

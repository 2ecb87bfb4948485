"""A package of its own: a distribution that installs its `tests` beside the libraries does not stand in for it."""

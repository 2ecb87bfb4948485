"""One concern, one layer: each is a `Transport` around a `Transport`; `stack` composes them."""

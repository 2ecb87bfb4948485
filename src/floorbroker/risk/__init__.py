"""Pre-trade checks, one pure function each, and the gate that makes an `Approved` order."""

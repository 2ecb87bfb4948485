"""One suite for every broker: the same desk, the venue's hands, and tests chosen by capability."""

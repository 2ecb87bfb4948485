"""The whole house on virtual time: seeded faults, kills at any await, and an oracle that knows what the venue knows."""

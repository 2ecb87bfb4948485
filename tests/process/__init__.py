"""The house as real processes: killed, paused and broken at every named step, on disks that fail, and looked at afterwards."""

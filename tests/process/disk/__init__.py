"""Disks that fail under a real desk: a preloaded shim for single calls, a small tmpfs for a full one."""

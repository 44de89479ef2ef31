"""Doubles and drivers of the tests: a server of one's own, jobs, raw bytes on the wire."""

"""Checks of a deployed stack: what no emulator shows is asked of the real service, and compared."""

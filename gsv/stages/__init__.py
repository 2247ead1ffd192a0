"""Preparation over folders, one stage a file."""

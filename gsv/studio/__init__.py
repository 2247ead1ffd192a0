"""The studio: one page in a browser, one file per tab.

Knows jobs and what lies in the workspace. Computes nothing itself: every start button
hands in a job that runs a script of ``tools/``.
"""

"""Checks that come before any rule: of a policy mapping, and of the files of a records tree. Pure."""

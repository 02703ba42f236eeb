"""A model as an ordinary Python project: its libraries, readable code, a contract and a test."""

"""Alma: a hierarchical system of AI agents. Importing it loads nothing else."""

__version__ = "0.1.0"

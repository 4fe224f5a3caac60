"""The Runner of a config, whose terminal has what is new and whose log file has all."""

from .job_log import JobLogProcessor

__all__ = ['JobLogProcessor']

"""The worker's process: `dramatiq composition.worker:broker`, with any number of processes and threads."""

from composition.jobs import job_broker
from composition.process import resources
from composition.settings import read_settings

_settings = read_settings()

broker = job_broker(_settings, resources(_settings))

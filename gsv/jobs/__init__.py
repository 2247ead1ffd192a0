"""Jobs: child processes of the scripts in ``tools/``, each with a folder of its own.

Knows scripts by name and events by their form. Does not know what a stage does,
and nothing of the page that shows the jobs.
"""

from gsv.jobs.lock import StudioLock
from gsv.jobs.manager import JobManager
from gsv.jobs.progress import Progress
from gsv.jobs.records import Command, JobState, Reason, State
from gsv.jobs.views import JobView

__all__ = ["Command", "JobManager", "JobState", "JobView", "Progress", "Reason", "State", "StudioLock"]

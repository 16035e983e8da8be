"""The process of the page that shows the job queue, `python -m composition.queue_page`: at APP_HOST and APP_PORT.

Nobody needs it but people who look. It needs Redis alone; any number may run.
"""

import signal
import sys

from adapters.worker.queue import QUEUE, connect
from adapters.worker.queue_page import QueuePage
from adapters.worker.queue_state import QueueState, queue_state
from composition.logs import harmless
from composition.process import starting
from composition.settings import SettingsError


def main() -> None:
    with starting() as settings:
        if settings.redis is None:
            raise SettingsError("Set REDIS_HOST or REDIS_URL; without them there is no queue to look at.")
        redis = connect(settings.redis)

        def read() -> QueueState:
            return queue_state(redis, QUEUE, harmless=harmless)

        try:
            page = QueuePage((settings.app_host, settings.app_port), read)
        except OSError as error:
            raise SettingsError(f"Cannot listen on {settings.app_host}:{settings.app_port}: {error}.") from error
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with page:
            page.serve_forever()


if __name__ == "__main__":
    main()

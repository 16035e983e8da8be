"""The process of the page that shows the job queue, `python -m composition.queue_page`: at APP_HOST and APP_PORT.

Nobody needs it but people who look. It needs Redis alone; any number may run.
"""

import asyncio
import signal
import sys

from adapters.worker.job_board import DramatiqJobBoard
from adapters.worker.queue import make_broker
from adapters.worker.queue_page import QueuePage
from composition.logs import harmless
from composition.process import starting, takes_no_arguments
from composition.refusal import cannot_listen
from composition.settings import SettingsError
from order_service.ports import JobsState


def main() -> None:
    takes_no_arguments("composition.queue_page", __doc__)
    with starting() as settings:
        if settings.redis is None:
            raise SettingsError("Set REDIS_HOST or REDIS_URL; without them there is no queue to look at.")
        board = DramatiqJobBoard(make_broker(settings.redis), harmless=harmless)

        def read() -> JobsState:
            return asyncio.run(board.state())

        try:
            page = QueuePage((settings.app_host, settings.app_port), read)
        except OSError as error:
            names = "APP_HOST and APP_PORT"
            raise cannot_listen(settings.app_host, settings.app_port, error, names=names) from error
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with page:
            page.serve_forever()


if __name__ == "__main__":
    main()

"""Where the command `order-service` begins: Ctrl-C ends it without a word while it is still loaded, too."""

import signal


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from composition import cli  # noqa: PLC0415 - loading all of it takes a second

    signal.signal(signal.SIGINT, signal.default_int_handler)
    return cli.main()

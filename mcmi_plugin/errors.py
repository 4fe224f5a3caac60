"""The one exception whose text is meant for the person at the keyboard."""


class UserError(ValueError):
    """Something the user can put right.

    The message is one line that names the config key or the file at fault and
    the remedy; the commands in ``tools/`` print it without a traceback and
    exit with a status other than 0.
    """

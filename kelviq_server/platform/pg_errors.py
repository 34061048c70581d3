"""Why the embedded database does not start; each message says what to do about it."""


class EmbeddedError(RuntimeError):
    """The embedded database cannot serve; catch this one to print the message and leave."""


class DataDirInUse(EmbeddedError):
    """Another launcher holds the data directory."""


class BinariesMissing(EmbeddedError):
    """No usable PostgreSQL binaries were found."""


class VersionMismatch(EmbeddedError):
    """The data were written by another major version than the binaries read."""


class AccountBlocked(EmbeddedError):
    """The account that PostgreSQL must run under cannot reach its files."""


class ServerFailed(EmbeddedError):
    """A PostgreSQL program ended when it should not have; the message carries its last words."""

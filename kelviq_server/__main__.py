"""`python -m kelviq_server` is the command `kelviq-server`."""

from kelviq_server.cli import main

if __name__ == "__main__":
    main()

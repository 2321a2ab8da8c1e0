"""Serves a page on which pages are read and corrected, and a model learns from the corrections.

python -m tools.serve
python -m tools.serve --name letters --port 8080
python -m tools.serve --host 0.0.0.0 --token TOKEN
"""

import argparse
import importlib.util
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from preprocessing.image_file import configure_process
from utils.cli import add_config_options, number, run_command
from utils.config.load import load_config, refuse_training_keys
from utils.errors import UserError
from utils.log import log

if TYPE_CHECKING:
    from tools.serve.security import Access

NEEDED = {"fastapi": "fastapi", "uvicorn": "uvicorn", "python_multipart": "python-multipart", "filelock": "filelock"}
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
CORRECTIONS, EXPERIMENTS = Path("datasets/corrections"), Path("experiments/corrections")
MOST_CONNECTIONS = 1000


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code (0, 2 user error, 130 Ctrl-C)."""
    options = _parse(arguments)
    return run_command(lambda: _serve(options))


def _serve(options: argparse.Namespace) -> int:
    missing = [package for module, package in NEEDED.items() if not importlib.util.find_spec(module)]
    if missing:
        raise UserError(f'Serving needs {", ".join(missing)}; run `pip install ".[serve]"` in the checkout.')
    import uvicorn

    from tools.serve.app import create_app
    from tools.serve.learning import Learning, first_reading
    from tools.serve.store import Store

    access = _access(options)
    config = load_config(options.conf, options.set)
    refuse_training_keys(options.set)
    configure_process()
    with _listen(options.host, options.port) as listening:
        store = Store(CORRECTIONS / options.name)
        reading = first_reading(config, store.folder)
        learning = Learning(reading, store, config, options.conf, options.set, EXPERIMENTS / options.name)
        app = create_app(reading, store, access, learning)
        shown = f"[{options.host}]" if ":" in options.host else options.host
        log(f"Open http://{shown}:{options.port}; corrections go to {store.folder}. Ctrl-C ends the server.")
        settings = uvicorn.Config(
            app,
            log_level="warning",
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=5,
        )
        try:
            uvicorn.Server(settings).run([listening])
        finally:
            learning.stop()
    return 0


def _access(options: argparse.Namespace) -> "Access":
    """Returns who may come in; raises UserError if other machines could without a token."""
    from tools.serve.security import SHORTEST_TOKEN, Access, is_loopback

    if not is_loopback(options.host) and not options.token:
        raise UserError(f"--host {options.host} lets other machines in; give them a --token as well.")
    # Addresses carry no others as they are.
    if options.token and not re.fullmatch(f"[A-Za-z0-9._~/=-]{{{SHORTEST_TOKEN},}}", options.token):
        raise UserError(f"--token must be {SHORTEST_TOKEN} or more of these: letters, digits and . _ ~ / = -.")
    # Behind a proxy the server has another name; a site that lets a name point here has no token.
    return Access(options.token, loopback_only=not options.token)


def _listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket; before the model is loaded, so that a port in use is reported at once."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"Can't listen on {host}, port {port}: {reason}; choose another --port or --host.") from None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add_config_options(parser, "configs/adapt.yml")
    add("--name", default="mine", help=f"folder of the corrections in {CORRECTIONS} (default: %(default)s)")
    add("--port", type=number(int, 1, 65535), default=8000, help="default: %(default)s")
    add("--host", default="127.0.0.1", help="address to listen on; others than this machine's need --token")
    add("--token", help="secret that every request must carry; in the browser open /?token=TOKEN once")
    options = parser.parse_args(arguments)
    if not NAME.fullmatch(options.name):
        parser.error(f"--name {options.name} must be letters, digits, - and _")
    return options


if __name__ == "__main__":
    sys.exit(main())

"""The ``ontograft`` command: finds its commands by their files, and turns every error into one line and an exit status.

A command is a module of this package that holds a click command named ``command``; it is imported when it is called.
Exit status: 0 all done, 3 done with rejects, 1 failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import ast
import atexit
import difflib
import errno
import gc
import importlib
import logging
import os
import pkgutil
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

import ontograft
from ontograft.cli import render
from ontograft.errors import OntograftError

_NOT_COMMANDS = {"main", "render"}
_INTERRUPTED = 130


def _common(command: click.Command) -> None:
    """Give ``-v``, ``-q`` and ``--version`` to a command, so that they may stand on either side of its name."""

    def count(_: click.Context, __: click.Parameter, value: int) -> None:
        if value:
            render.louder(value)
            _set_logging()

    def hush(_: click.Context, __: click.Parameter, value: bool) -> None:
        if value:
            render.quiet()
            _set_logging()

    taken = {opt for param in command.params for opt in param.opts}
    options: list[Callable[[click.Command], click.Command]] = []
    if not {"-v", "--verbose"} & taken:
        options.append(click.option("-v", "--verbose", count=True, expose_value=False, callback=count, help="Say more; twice: tracebacks."))
    if not {"-q", "--quiet"} & taken:
        options.append(click.option("-q", "--quiet", is_flag=True, expose_value=False, callback=hush, help="Say only errors."))
    if "--version" not in taken:
        options.append(click.version_option(ontograft.__version__, prog_name="ontograft"))
    for option in options:
        option(command)
    if isinstance(command, click.Group):
        for part in command.commands.values():
            _common(part)


def _set_logging() -> None:
    """Log of our own modules by ``-v`` and ``-q``; other libraries only speak at ``-vv``."""
    level = render.verbosity()
    logging.getLogger("ontograft").setLevel({-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(level, logging.DEBUG))
    if level >= 2:
        warnings.simplefilter("default")
    else:
        warnings.simplefilter("ignore")


class Commands(click.Group):
    """The commands that lie in this package as files; nothing is imported to list them."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """As click, from the normal level of speech on."""
        render.reset()
        return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands: a file ``evaluate_all.py`` is the command ``evaluate-all``."""
        folder = [str(Path(__file__).parent)]
        names = [module.name for module in pkgutil.iter_modules(folder) if module.name not in _NOT_COMMANDS]
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command, or None where there is no such file."""
        if name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"ontograft.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        command.name = name
        _common(command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click, but an unknown name lists the known ones."""
        known = self.list_commands(ctx)
        if args[0] not in known:
            near = difflib.get_close_matches(args[0], known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the commands are {', '.join(known)}."
            ctx.fail(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first line of their docstrings, read without importing them."""
        rows = [(name, _summary(name)) for name in self.list_commands(ctx)]
        if not rows:
            return
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever it raises becomes a message and an exit status."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OntograftError as error:
            _fail(ctx, str(error))
        except KeyboardInterrupt:
            render.error("interrupted")
            ctx.exit(_INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:
                _drop_stdout()
                ctx.exit(0)
            # The system's own words and the path: they never quote the content of a file.
            place = "" if error.filename is None else f"{error.filename}: "
            _fail(ctx, f"{place}{error.strerror or type(error).__name__}")
        except MemoryError:
            _fail(ctx, "out of memory")
        except Exception as error:
            _fail(ctx, f"unexpected {type(error).__name__} {_place(error)}; -vv shows the traceback, which may quote your documents")


def _fail(ctx: click.Context, message: str) -> NoReturn:
    if render.verbosity() >= 2:
        traceback.print_exc(file=sys.stderr)
    render.error(message)
    ctx.exit(1)


def _place(error: Exception) -> str:
    """Where it happened: the innermost frame of ours, without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename and not frame.filename.startswith("<")] or frames
    return f"at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "somewhere"


def _summary(name: str) -> str:
    """First line of a command's docstring."""
    source = Path(__file__).with_name(f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "command":
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def _drop_stdout() -> None:
    """Nobody reads any more: let the flush at exit go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end() -> None:
    """Do not look for cycles at the end, which saves a tenth of a second; but not with Triton, which lists all that is left as leaked."""
    if "triton" not in sys.modules:
        gc.freeze()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Graft ontologies onto language models: load, build, tag, train."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    _set_logging()


_common(cli)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Entry point of the installed script."""
    atexit.register(_end)
    logging.basicConfig(format="%(levelname)s: %(message)s", stream=sys.stderr)
    try:
        status = cli.main(arguments, prog_name="ontograft", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        render.error("interrupted")
        status = _INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()
        status = 0
    sys.exit(status if isinstance(status, int) else 0)

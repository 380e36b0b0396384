"""`bench completion SHELL`."""

from __future__ import annotations

import click

HOW = {
    "bash": 'eval "$(bench completion bash)"       # in ~/.bashrc',
    "zsh": 'eval "$(bench completion zsh)"        # in ~/.zshrc',
    "fish": "bench completion fish | source         # in ~/.config/fish/config.fish",
}


@click.command("completion", epilog="\b\n" + "\n".join(HOW.values()))
@click.argument("shell", type=click.Choice(list(HOW)))
def command(shell: str) -> None:
    """Print the script that lets a shell complete verbs, options, suites, learners and cells."""
    from click.shell_completion import get_completion_class

    from bench.cli.main import bench

    completer = get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(completer(bench, {}, "bench", "_BENCH_COMPLETE").source())

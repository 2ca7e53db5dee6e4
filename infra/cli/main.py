"""The entry point.

Exit codes (docs/RUNBOOK.md): 0 done · 1 done, with something to look at · 2 usage · 10 not promotable ·
66 no such input · 69 breaker open · 70 a defect of ours · 75 a part does not answer, try again ·
78 configuration · 130 Ctrl-C.
"""

import sys

from evenscreen.infra.cli.interrupt import listen


def main() -> None:
    """Run the command line: every failure is a sentence on stderr and an exit code."""
    listen()
    from evenscreen.infra.cli.app import app
    from evenscreen.infra.cli.failures import sentence_and_code

    try:
        app()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place that can tell a person
        sentence, code = sentence_and_code(error)
        if sentence:
            print(f"evenscreen: {sentence}", file=sys.stderr)
        sys.exit(code)

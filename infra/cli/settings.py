"""`evenscreen settings`: what can be set, where an operator looks for it."""


def settings() -> None:
    """Every EVENSCREEN_… variable with its default and what it is for."""
    from evenscreen.infra.show.settings import settings_lines

    print("\n".join(settings_lines()))

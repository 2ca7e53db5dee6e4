"""The repository root is the package `evenscreen`: Python 3.14 owns the top-level name `compression`."""

from setuptools import find_packages, setup

FOLDERS = ["schemas", "pipeline", "producers", "consumers", "migrations", "compression", "infra"]
packages = find_packages(include=[pattern for name in FOLDERS for pattern in (name, f"{name}.*")])

setup(
    package_dir={"evenscreen": "."},
    packages=["evenscreen", *(f"evenscreen.{name}" for name in packages)],
    include_package_data=False,
    package_data={
        "evenscreen.compression": ["shipped/*", "recipes/*"],
        "evenscreen.infra": ["local/*.txt", "demo/images/*"],
        "evenscreen.migrations": ["sql/*.sql", "*.mako"],
    },
)

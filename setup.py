"""The repository root is the package `evenscreen`: Python 3.14 owns the top-level name `compression`."""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

FOLDERS = ["schemas", "pipeline", "producers", "consumers", "migrations", "compression", "infra"]
packages = find_packages(include=[pattern for name in FOLDERS for pattern in (name, f"{name}.*")])


class BuildWithoutSetup(build_py):
    """This file lies in the root package, and would be taken for one of its modules."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        return [found for found in super().find_package_modules(package, package_dir) if found[1] != "setup"]


setup(
    package_dir={"evenscreen": "."},
    packages=["evenscreen", *(f"evenscreen.{name}" for name in packages)],
    include_package_data=False,
    package_data={
        "evenscreen.compression": ["shipped/*", "recipes/*", "figures/*", "README.md"],
        "evenscreen.infra": ["local/*.txt", "demo/ATTRIBUTION.md", "demo/images/*"],
        "evenscreen.migrations": ["sql/*.sql"],
        "evenscreen.pipeline": ["audit/plans/*.yaml"],
    },
    cmdclass={"build_py": BuildWithoutSetup},
)

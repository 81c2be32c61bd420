"""The configuration: `.schemalint.yml`, or `[tool.schemalint]` in `pyproject.toml`; found, read and validated."""

from __future__ import annotations

from schemalint.configuration.errors import ConfigurationError
from schemalint.configuration.files import configuration_for
from schemalint.configuration.settings import Configuration

__all__ = ["Configuration", "ConfigurationError", "configuration_for"]

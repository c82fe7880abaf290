"""The catalog: domains and scenarios from the text of their files. Pure: the caller reads the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.catalog.domain import (
    Domain,
    ReferenceTable,
    Rule,
    TableUse,
    read_domain,
    read_reference,
    read_requirements,
)
from pytest_atdm.core.catalog.generators import Generator, Mimesis
from pytest_atdm.core.catalog.masks import Mask
from pytest_atdm.core.catalog.merge import check_scenario, read_scenario
from pytest_atdm.core.catalog.references import ReferenceTarget, VirtualReference
from pytest_atdm.core.catalog.request import Overrides, check_parameter, read_overrides
from pytest_atdm.core.catalog.scenario import Entity, Formula, Link, Literal, Parameter, Scenario
from pytest_atdm.core.catalog.yaml_reader import Document, read_yaml
from pytest_atdm.core.errors import CatalogError, OverrideError, UnknownScenario
from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = (
    "Catalog",
    "Domain",
    "Entity",
    "Formula",
    "Generator",
    "Link",
    "Literal",
    "Mask",
    "Mimesis",
    "Overrides",
    "Parameter",
    "ReferenceTable",
    "ReferenceTarget",
    "Rule",
    "Scenario",
    "TableUse",
    "VirtualReference",
    "check_parameter",
    "load_catalog",
    "read_overrides",
)


class Catalog:
    """Domains and scenarios by name. A file is read when something asks for it, once."""

    def __init__(
        self,
        files: Mapping[str, str],
        scenarios: Mapping[str, str],
        mixins: Mapping[str, str],
        mimesis: Mimesis | None = None,
    ) -> None:
        self._files = files
        self._mimesis = mimesis
        self._paths = scenarios
        self._mixins = mixins
        self._domains: dict[str, Domain] = {}
        self._scenarios: dict[str, Scenario] = {}

    @property
    def domain_names(self) -> tuple[str, ...]:
        """The domains, sorted."""
        return tuple(sorted({path.partition("/")[0] for path in self._files if "/" in path}))

    @property
    def scenario_ids(self) -> tuple[str, ...]:
        """The scenarios that can be requested, sorted."""
        return tuple(sorted(self._paths))

    def scenario(self, id: str) -> Scenario:
        """Return the scenario *id*, everything that it extends merged in.

        Raises:
            UnknownScenario: there is none; the hint names the nearest.
            CatalogError: a fault in its file or in one that it extends.
        """
        if id not in self._paths:
            raise UnknownScenario(f'no scenario "{id}" in the catalog', hint=suggest(id, self._paths, "scenario"))
        if id not in self._scenarios:
            scenario = self._read(self._paths[id], id, ())
            check_scenario(scenario, self.domain(scenario.domain).requirements)
            _check_defaults(scenario)
            self._scenarios[id] = scenario
        return self._scenarios[id]

    def domain(self, name: str) -> Domain:
        """Return the domain *name*.

        Raises:
            CatalogError: there is no such domain, or a fault in one of its files.
        """
        if name not in self._domains:
            if name not in self.domain_names:
                raise CatalogError(
                    f'the catalog has no domain "{name}"', hint=suggest(name, self.domain_names, "domain")
                )
            self._domains[name] = self._read_domain(name)
        return self._domains[name]

    def check(self, id: str, overrides: Mapping[str, object]) -> Overrides:
        """Return *overrides* of the scenario *id*, checked as far as the catalog alone can tell.

        Raises:
            UnknownScenario, CatalogError, OverrideError: as ``scenario`` and ``read_overrides``.
        """
        return read_overrides(self.scenario(id), overrides)

    def _read(self, path: str, id: str, below: tuple[str, ...]) -> Scenario:
        domain = path.partition("/")[0]

        def parent(name: str, source: str) -> Scenario:
            target = self._parent_path(name, domain, source)
            if target in (*below, path):
                raise CatalogError(f'{source}: "{name}" extends itself', hint="break the circle")
            return self._read(target, name, (*below, path))

        return read_scenario(self._document(path), id=id, domain=domain, parent=parent)

    def _parent_path(self, name: str, domain: str, source: str) -> str:
        paths = {**self._mixins, **self._paths}
        here = f"{domain}/mixins/{name}.yaml"
        target = here if here in self._files else paths.get(name)
        if target is None or not target.startswith(f"{domain}/"):
            raise CatalogError(f'{source}: there is no "{name}" in this domain', hint=suggest(name, paths, "scenario"))
        return target

    def _read_domain(self, name: str) -> Domain:
        reference = [path for path in sorted(self._files) if path.startswith(f"{name}/reference/")]
        requirements = f"{name}/requirements.yaml"
        return read_domain(
            self._document(f"{name}/domain.yaml"),
            name=name,
            reference=tuple(read_reference(self._document(path)) for path in reference),
            requirements=read_requirements(self._document(requirements)) if requirements in self._files else None,
            mimesis=self._mimesis,
        )

    def _document(self, path: str) -> Document:
        if path not in self._files:
            raise CatalogError(f"{path}: the file is missing", hint="every domain has a domain.yaml")
        return read_yaml(self._files[path], file=path)


def load_catalog(files: Mapping[str, str], mimesis: Mimesis | None = None) -> Catalog:
    """Return the catalog whose files have the paths (relative, with ``/``) and texts of *files*.

    *mimesis* draws the values of columns that name it; without it, none of them can be drawn.

    Raises:
        CatalogError: two scenarios, or two mixins of a domain, have one id; or a file would be passed over (``.yml``).
    """
    scenarios: dict[str, str] = {}
    mixins: dict[str, str] = {}
    for path in sorted(files):
        if path.endswith(".yml"):
            raise CatalogError(
                f"{path}: files of a catalog end with .yaml", hint=f"rename it to {path.removesuffix('.yml')}.yaml"
            )
        folder, _, name = path.rpartition("/")
        kind = folder.rpartition("/")[2]
        if kind in ("scenarios", "mixins") and name.endswith(".yaml"):
            _add_path(scenarios if kind == "scenarios" else mixins, name.removesuffix(".yaml"), path)
    return Catalog(dict(files), scenarios, mixins, mimesis)


def _add_path(paths: dict[str, str], id: str, path: str) -> None:
    if id in paths:
        raise CatalogError(
            f'"{id}" stands in {paths[id]} and in {path}', hint="ids are unique in a catalog: rename one"
        )
    paths[id] = path


def _check_defaults(scenario: Scenario) -> None:
    for parameter in scenario.parameters.values():
        try:
            check_parameter(parameter, parameter.default, where=f'{parameter.source}: default of "{parameter.name}"')
        except OverrideError as exc:
            raise CatalogError(exc.message, hint=exc.hint) from exc

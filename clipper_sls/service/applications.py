"""Registering applications and linking models to them."""

from collections.abc import Sequence

from clipper_sls.domain import changes
from clipper_sls.domain.identifiers import AppName, ModelName
from clipper_sls.domain.records import Application
from clipper_sls.service.registry_view import RegistryView


class ApplicationService:
    """Each change is one commit; errors are those of `domain.changes`."""

    def __init__(self, *, registry: RegistryView) -> None:
        self._registry = registry

    async def register(self, application: Application) -> None:
        await self._registry.commit(lambda snapshot: changes.register_application(snapshot, application))

    async def delete(self, name: AppName) -> None:
        await self._registry.commit(lambda snapshot: changes.delete_application(snapshot, name))

    async def link(self, name: AppName, models: Sequence[ModelName]) -> None:
        await self._registry.commit(lambda snapshot: changes.link_model(snapshot, name, tuple(models)))

    async def unlink(self, name: AppName, models: Sequence[ModelName]) -> None:
        await self._registry.commit(lambda snapshot: changes.unlink_models(snapshot, name, tuple(models)))

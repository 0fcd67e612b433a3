"""Applications and links over HTTP. Texts are Clipper's."""

from typing import Any

from fastapi import FastAPI

from clipper_sls.domain.identifiers import AppName, ModelName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Mode
from clipper_sls.errors import UnknownApplicationError
from clipper_sls.http.management import bodies
from clipper_sls.http.management.routes import Documentation, add_route
from clipper_sls.service.services import Services

TAG = "applications"


class ApplicationEndpoints:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def add(self, body: bodies.AddApplication) -> str:
        application = Application(
            AppName(body.name),
            InputType.parse(body.input_type),
            body.default_output,
            body.latency_slo_micros,
            Mode.parse(body.mode),
        )
        await self._services.applications.register(application)
        return f"Successfully added application with name '{body.name}'"

    async def delete(self, body: bodies.NamedApplication) -> str:
        await self._services.applications.delete(AppName.sought(body.name))
        return f"Successfully deleted application with name '{body.name}'"

    async def link(self, body: bodies.Links) -> str:
        models = [ModelName.sought(name) for name in body.model_names]
        await self._services.applications.link(AppName.sought(body.app_name), models)
        return f"Successfully linked model with name '{models[0]}' to application '{body.app_name}'"

    async def unlink(self, body: bodies.Links) -> str:
        models = [ModelName.sought(name) for name in body.model_names]
        await self._services.applications.unlink(AppName.sought(body.app_name), models)
        return "Success!"

    async def list_all(self, body: bodies.Verbose) -> list[Any]:
        applications = self._services.registry.snapshot.applications.values()
        return [self._shown(application) if body.verbose else application.name for application in applications]

    async def get(self, body: bodies.NamedApplication) -> dict[str, Any]:
        found = self._services.registry.snapshot.applications.get(AppName.sought(body.name))
        return self._shown(found) if found else {}

    async def linked_models(self, body: bodies.LinkedModels) -> list[Any]:
        application = self._known(body.app_name)
        return list(self._services.registry.snapshot.linked(application.name))

    async def state(self, body: bodies.SelectionState) -> str:
        """Clipper's debug text of the one policy that it shipped."""
        return self._known(body.app_name).default_output

    def _known(self, name: str) -> Application:
        found = self._services.registry.snapshot.applications.get(AppName.sought(name))
        if found is None:
            raise UnknownApplicationError(f"No application with name '{name}' exists.")
        return found

    def _shown(self, application: Application) -> dict[str, Any]:
        return {
            "name": application.name,
            "input_type": application.input_type.value,
            "default_output": application.default_output,
            "latency_slo_micros": application.slo_micros,
            "linked_models": list(self._services.registry.snapshot.linked(application.name)),
            **({} if application.mode is Mode.DIRECT else {"mode": application.mode.value}),  # which Clipper has not
        }


def add_application_routes(app: FastAPI, services: Services) -> None:
    endpoints = ApplicationEndpoints(services)

    def text(summary: str) -> Documentation:
        return Documentation(summary, TAG, answers_json=False)

    def json(summary: str) -> Documentation:
        return Documentation(summary, TAG, answers_json=True)

    add_route(app, "add_app", bodies.AddApplication, endpoints.add, text("Register an application"))
    add_route(app, "delete_app", bodies.NamedApplication, endpoints.delete, text("Delete an application"))
    add_route(app, "add_model_links", bodies.Links, endpoints.link, text("Link a model to an application"))
    add_route(app, "delete_model_links", bodies.Links, endpoints.unlink, text("Unlink models"))
    add_route(app, "get_all_applications", bodies.Verbose, endpoints.list_all, json("List applications"))
    add_route(app, "get_application", bodies.NamedApplication, endpoints.get, json("One application, or {}"))
    add_route(app, "get_linked_models", bodies.LinkedModels, endpoints.linked_models, json("Models of an application"))
    add_route(app, "get_state", bodies.SelectionState, endpoints.state, text("The selection state, as text"))

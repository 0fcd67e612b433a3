"""The methods of `ClipperConnection` about applications and their links to models."""

from typing import Any

from clipper_sls.sdk.connected import Connected
from clipper_sls.sdk.management_client import DIRECT_MODE, Answer


class ApplicationMethods(Connected):
    """Every method raises UnconnectedException without a connection, and ClipperException when the engine refuses."""

    def register_application(
        self, name: str, input_type: str, default_output: str, slo_micros: int, *, mode: str = DIRECT_MODE
    ) -> None:
        """Open the predict URL `/<name>/predict`.

        `input_type` is one of integers, floats, doubles, bytes, strings, json. `default_output` is the answer when no
        model answers within `slo_micros`, counted from the request's arrival; 100000 (100 ms) is a good start.
        With `mode` "queue", queries wait in the queue of jobs, and their callers for the result until `slo_micros`.
        """
        self._management.add_app(name, input_type, default_output, slo_micros, mode)
        self.logger.info("Application %s was successfully registered", name)

    def delete_application(self, name: str) -> None:
        """Clipper's former name of `unregister_application`."""
        self.logger.warning("[DEPRECATED] Use 'unregister_application' API instead of this.")
        self.unregister_application(name)

    def unregister_application(self, name: str) -> None:
        """Close the predict URL of `name`, at once."""
        self._management.delete_app(name)
        self.logger.info("Application %s was successfully unregistered", name)

    def link_model_to_app(self, app_name: str, model_name: str) -> None:
        """Let `model_name` answer the queries of `app_name`. Both must be registered and of the same input type."""
        self._management.add_model_links(app_name, [model_name])
        self.logger.info("Model %s is now linked to application %s", model_name, app_name)

    def unlink_model_from_app(self, app_name: str, model_name: str) -> None:
        """Undo `link_model_to_app`: from now on `app_name` gives its default output."""
        self._management.delete_model_links(app_name, [model_name])
        self.logger.info("Model %s is now removed from application %s", model_name, app_name)

    def get_all_apps(self, verbose: bool = False) -> list[Any]:
        """Names of all applications; with `verbose` what `get_app_info` says of each."""
        return self._management.get_all_applications(verbose)

    def get_app_info(self, name: str) -> Answer | None:
        """What was registered as `name`; None when nothing was."""
        application = self._management.get_application(name)
        if not application:
            self.logger.warning("Application %s is not registered with Clipper", name)
            return None
        return application

    def get_linked_models(self, app_name: str) -> list[str]:
        """Names of the models linked to `app_name`."""
        return self._management.get_linked_models(app_name)

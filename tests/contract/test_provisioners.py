import uuid

import pytest

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.testing.contracts.provisioner import ProvisionerContract
from clipper_sls.testing.fake_functions import FakeProvisioner


@pytest.fixture
def function() -> str:
    return f"st-model-{uuid.uuid4().hex}"


class TestFakeProvisioner(ProvisionerContract):
    @pytest.fixture
    def provisioner(self) -> FakeProvisioner:
        return FakeProvisioner()


class TestLambdaProvisionerOnMiniStack(ProvisionerContract):
    @pytest.fixture
    def provisioner(self, aws_clients: AwsClients) -> LambdaProvisioner:
        return LambdaProvisioner(aws_clients)

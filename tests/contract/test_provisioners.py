import uuid
from dataclasses import replace

import pytest

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.errors import InvalidSettingError
from clipper_sls.ports.provisioner import Provisioner
from clipper_sls.testing.contracts.provisioner import CONTENT, ProvisionerContract, looked, published
from clipper_sls.testing.fake_functions import FakeProvisioner
from clipper_sls.testing.localstack import REGION, LocalStackUnderTest


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


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestLambdaProvisionerOnLocalStack(ProvisionerContract):
    @pytest.fixture
    def provisioner(self, shared_localstack: LocalStackUnderTest) -> LambdaProvisioner:
        session = any_session(REGION)
        return LambdaProvisioner(AwsClients(session=session, endpoint=shared_localstack.url))

    def test_snap_start_and_the_environment_come_back_as_they_were(
        self, provisioner: Provisioner, function: str
    ) -> None:
        """It knows no SnapStart of images."""
        with pytest.raises(InvalidSettingError, match="SnapStart"):
            provisioner.create(function, replace(CONTENT, snap_start=True))

    def test_a_version_goes_only_when_no_alias_leads_to_it(self, provisioner: Provisioner, function: str) -> None:
        """It lets a version go to which an alias leads."""
        number = published(provisioner, function, CONTENT)
        provisioner.point_alias(function, "current", number, None, revision=None)
        provisioner.delete_published(function, number)
        assert looked(provisioner, function).published == ()

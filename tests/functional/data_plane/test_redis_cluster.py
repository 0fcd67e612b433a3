"""The cache in a real cluster: keys of all slots at once, nodes that go, slots that move, TLS as ElastiCache has it."""

import asyncio
import datetime
import ipaddress
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.redis.cluster_cache import LONGEST_LIFE_S, RedisClusterPredictionCache
from clipper_sls.adapters.redis.connecting import cluster_client, place
from clipper_sls.adapters.redis.prediction_cache import prefix_of
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.prediction_cache import FOREVER, NEVER, Kept
from clipper_sls.testing.ports import free_port
from clipper_sls.testing.redis_cluster import RedisClusterUnderTest, redis_cluster

LIMIT_S = 5.0
BACK_LIMIT_S = 30.0
CLOCK = SystemClock()
KEYS = [CacheKey(number.to_bytes(32, "big")) for number in range(100)]
OUTPUTS = {key: OutputJson(b"%d" % key[-1]) for key in KEYS}

Open = Callable[..., RedisClusterPredictionCache]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Caches at a URL, closed at the end."""
    async with AsyncExitStack() as stack:

        def open_cache(url: str, limit_s: float = LIMIT_S) -> RedisClusterPredictionCache:
            nodes = cluster_client(url, limit_s)
            cache = RedisClusterPredictionCache(nodes, name=place(url), namespace="t", clock=CLOCK, limit_s=limit_s)
            stack.push_async_callback(cache.close)
            return cache

        yield open_cache


@pytest.fixture
def cluster(redis_is_installed: None, tmp_path: Path) -> Iterator[RedisClusterUnderTest]:
    """Three nodes of the test's own."""
    with redis_cluster(tmp_path / "cluster", nodes=3) as running:
        yield running


async def _put(cache: RedisClusterPredictionCache) -> None:
    await cache.keep({key: Kept(output, NEVER) for key, output in OUTPUTS.items()})


async def _get(cache: RedisClusterPredictionCache, *keys: CacheKey) -> dict[CacheKey, OutputJson]:
    found = await cache.find(keys or KEYS, can_expire=False, deadline=FOREVER)
    return {key: kept.output for key, kept in found.items()}


async def _is_back(cache: RedisClusterPredictionCache) -> None:
    async with asyncio.timeout(BACK_LIMIT_S):
        while True:
            try:
                await _put(cache)
                if await _get(cache) == OUTPUTS:
                    return
            except StoreUnavailableError:
                pass
            await CLOCK.sleep_until(CLOCK.now() + 0.02)


async def test_keys_of_all_nodes_come_in_one_go(cluster: RedisClusterUnderTest, opened: Open) -> None:
    cache = opened(cluster.url)
    await _put(cache)
    assert await _get(cache) == OUTPUTS
    held = [int(node.ask("DBSIZE")[1:]) for node in cluster.nodes]
    assert sum(held) == len(KEYS)
    assert min(held) > 0


async def test_every_key_has_a_time_to_live(cluster: RedisClusterUnderTest, opened: Open) -> None:
    """A server that gives up only those, as ElastiCache Serverless does, would else fill up."""
    cache = opened(cluster.url)
    await _put(cache)
    lives_ms = await asyncio.gather(*(cache._redis.pttl(prefix_of("t") + key) for key in KEYS))
    assert all(0 < life_ms <= LONGEST_LIFE_S * 1000 for life_ms in lives_ms)


async def test_what_is_left_of_a_time_to_live_comes_with_the_output(
    cluster: RedisClusterUnderTest, opened: Open
) -> None:
    cache, until = opened(cluster.url), CLOCK.now() + 60
    await cache.keep({key: Kept(output, until) for key, output in OUTPUTS.items()})
    found = await cache.find(KEYS, can_expire=True, deadline=FOREVER)
    assert all(abs(found[key].expires_at - until) < 1 for key in KEYS)


async def test_while_one_node_is_away_the_others_answer_and_it_is_found_again(
    cluster: RedisClusterUnderTest, opened: Open
) -> None:
    cache = opened(cluster.url)
    await _put(cache)
    cluster.nodes[0].kill()
    for _ in range(5):
        found = await _get(cache)
        assert 0 < len(found) < len(KEYS)
        assert found.items() <= OUTPUTS.items()
    cluster.nodes[0].start()
    await _is_back(cache)


async def test_a_cluster_that_is_away_is_left_alone_and_found_again(
    cluster: RedisClusterUnderTest, opened: Open
) -> None:
    cache = opened(cluster.url)
    await _put(cache)
    for node in cluster.nodes:
        node.kill()
    for _ in range(4):
        with pytest.raises(StoreUnavailableError):
            await _get(cache)
        await CLOCK.sleep_until(CLOCK.now() + 0.02)
    with pytest.raises(StoreUnavailableError, match="not asked for a moment"):
        await _get(cache)
    for node in cluster.nodes:
        node.start()
    await _is_back(cache)


async def test_who_waits_for_a_cluster_that_hangs_waits_no_longer_than_the_limit(
    cluster: RedisClusterUnderTest, opened: Open
) -> None:
    cache = opened(cluster.url, limit_s=0.2)
    await _is_back(cache)
    for node in cluster.nodes:
        node.hang()
    began = CLOCK.now()
    with pytest.raises(StoreUnavailableError):
        await _get(cache)
    assert CLOCK.now() - began < 2
    for node in cluster.nodes:
        node.go_on()
    await _is_back(cache)


async def test_keys_whose_slots_moved_are_found_where_they_went(cluster: RedisClusterUnderTest, opened: Open) -> None:
    cache = opened(cluster.url)
    await _is_back(cache)
    first, second, _ = cluster.nodes
    for key in KEYS[:20]:
        slot = cache._redis.keyslot(prefix_of("t") + key)
        if slot < 16384 // 3:
            first.ask("DEL", (prefix_of("t") + key).decode("latin-1"))
            cluster.move_slot(slot, first, second)
    found = await _get(cache)
    assert found.items() <= OUTPUTS.items()
    await _put(cache)
    assert await _get(cache) == OUTPUTS
    assert await _get(opened(cluster.url)) == OUTPUTS


async def test_a_user_needs_five_commands_and_the_keys_of_the_cache(
    redis_is_installed: None, tmp_path: Path, opened: Open
) -> None:
    rights = "on >s3cret ~clipper-sls:* +get +set +pttl +cluster|slots +command"
    with redis_cluster(tmp_path / "cluster") as cluster:
        cluster.nodes[0].ask("ACL", "SETUSER", "cache", *rights.split())
        port = cluster.nodes[0].port
        await _is_back(opened(f"redis://cache:s3cret@127.0.0.1:{port}?cluster=true"))
        with pytest.raises(StoreUnavailableError):
            await _get(opened(f"redis://cache:wr0ng@127.0.0.1:{port}?cluster=true"))


async def test_a_server_that_is_no_cluster_counts_as_away(redis, opened: Open) -> None:
    with pytest.raises(StoreUnavailableError):
        await _get(opened(f"{redis.url}?cluster=true"))


async def test_a_cluster_over_tls_is_one_whose_certificate_was_checked(
    redis_is_installed: None, tmp_path: Path, opened: Open
) -> None:
    certificate, key = _self_signed(tmp_path)
    port = free_port()
    tls = {"tls-port": port, "tls-cert-file": certificate, "tls-key-file": key, "tls-ca-cert-file": certificate}
    options = [text for name, value in tls.items() for text in (f"--{name}", str(value))]
    with redis_cluster(tmp_path / "cluster", options=[*options, "--tls-cluster", "yes", "--tls-auth-clients", "no"]):
        await _is_back(opened(f"rediss://127.0.0.1:{port}?cluster=true&ssl_ca_certs={certificate}"))
        with pytest.raises(StoreUnavailableError):
            await _get(opened(f"rediss://127.0.0.1:{port}?cluster=true"))


def _self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cache of a test")])
    now = datetime.datetime.fromtimestamp(CLOCK.wall(), datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths

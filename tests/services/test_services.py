import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from tests.services import KafkaServer, MissingProgramError, RedisServer, ServiceError
from tests.services.kafka import MAX_MESSAGE_BYTES, TOPICS, jars
from tests.services.postgres import PostgresServer
from tests.services.process import Process, noted
from tests.services.redis import redis_server
from tests.services.server import ROOT, accepts


@pytest.fixture
def redis_up(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        yield server


def test_redis_keeps_what_it_answered_through_kill_9(redis_up: RedisServer) -> None:
    url, before = redis_up.url, running(redis_up)
    with redis.Redis.from_url(url) as client:
        client.set("order", "placed")
    redis_up.kill()
    assert not before.alive
    redis_up.start()
    assert redis_up.url == url
    assert running(redis_up) != before
    with redis.Redis.from_url(url) as client:
        assert client.get("order") == b"placed"


def test_redis_without_append_only_file_forgets(tmp_path: Path) -> None:
    with RedisServer(tmp_path, append_only=False) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("order", "placed")
        server.stop()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("order") is None


def test_a_paused_redis_is_silent_until_it_is_resumed(redis_up: RedisServer) -> None:
    redis_up.pause()
    assert accepts(redis_up.port)
    with redis.Redis.from_url(redis_up.url, socket_timeout=0.1, retry=None) as client:
        with pytest.raises(redis.TimeoutError):
            client.ping()
        redis_up.resume()
    with redis.Redis.from_url(redis_up.url) as client:
        assert client.ping()


def test_a_paused_redis_can_be_stopped(redis_up: RedisServer) -> None:
    process = running(redis_up)
    redis_up.pause()
    redis_up.stop()
    assert not process.alive


def test_a_server_outlives_the_thread_which_started_it(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        server.stop()
        thread = threading.Thread(target=server.start)
        thread.start()
        thread.join()
        assert not running(server).ended(within=0.2)


def test_a_server_dies_with_the_tests_even_when_they_are_killed(tmp_path: Path) -> None:
    tests = subprocess.Popen(
        [sys.executable, "-c", DIE_WITH_ME, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert tests.stdout
    assert tests.stdin
    assert tests.stdout.readline() == b"up\n"
    server = running(RedisServer(tmp_path))
    tests.kill()
    tests.communicate()
    assert server.ended(within=10)


DIE_WITH_ME = """
import sys; from pathlib import Path; from tests.services import RedisServer
with RedisServer(Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.read()
"""


def test_a_taken_port_is_named_with_its_setting(redis_up: RedisServer, tmp_path: Path) -> None:
    other = RedisServer(tmp_path / "other", port=redis_up.port)
    with pytest.raises(ServiceError, match=f"{redis_up.port} is taken .* SERVICES_REDIS_PORT"):
        other.start()


def test_a_recycled_pid_is_never_signalled(tmp_path: Path) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as bystander:
        pid_file = tmp_path / "redis.pid"
        pid_file.write_text(f"{bystander.pid} an-earlier-boot:1 7000\n")
        assert noted(pid_file) is None
        RedisServer(tmp_path).kill()
        RedisServer(tmp_path).stop()
        Process(bystander.pid, "an-earlier-boot:1").kill()
        assert bystander.poll() is None


def test_a_server_which_cannot_start_says_what_it_logged(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    for append_only_file in ("appendonly.aof", "appendonlydir"):  # of Redis 6, of Redis 7
        (tmp_path / "redis" / append_only_file).write_text("not what Redis wrote")
    server = RedisServer(tmp_path)
    with pytest.raises(ServiceError, match=r"(?s)redis ended while starting.*redis.log"):
        server.start()
    assert not server.running


async def test_kafka_has_the_topics_the_service_needs(kafka: KafkaServer) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers) as consumer:
        assert await consumer.topics() == set(TOPICS)
    for topic, partitions in TOPICS.items():
        async with AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap_servers) as consumer:
            assert len(consumer.assignment()) == partitions


async def test_kafka_keeps_what_it_acknowledged_through_kill_9(kafka: KafkaServer) -> None:
    address = kafka.bootstrap_servers
    orders = [f"order {number}".encode() for number in range(100)]
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all", enable_idempotence=True) as producer:
        sent = [await producer.send("order_management_service", order, key=order) for order in orders]
        await asyncio.gather(*sent)
    await asyncio.to_thread(kafka.kill)
    assert not accepts(kafka.port)
    await asyncio.to_thread(kafka.start)
    assert kafka.bootstrap_servers == address
    async with AIOKafkaConsumer(
        "order_management_service", bootstrap_servers=address, group_id="tests", auto_offset_reset="earliest"
    ) as consumer:
        received = [(await consumer.getone()).value for _ in orders]
    assert sorted(received) == sorted(orders)


async def test_kafka_refuses_a_message_of_2_mb(kafka: KafkaServer) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, acks="all", max_request_size=4 * MAX_MESSAGE_BYTES
    ) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait("payments", bytes(2 * MAX_MESSAGE_BYTES))
        await producer.send_and_wait("payments", bytes(MAX_MESSAGE_BYTES - 1024))


def test_one_command_starts_all_and_one_leaves_no_process(tmp_path: Path) -> None:
    first = launcher("up", tmp_path)
    assert first.stdout.count("started") == 3, first
    settings = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    secret_key = settings["SECRET_KEY"]
    with redis.Redis.from_url(settings["TEST_REDIS_URL"]) as client:
        client.set("order", "placed")

    assert launcher("up", tmp_path).stdout.count("already up") == 3
    os.kill(running(RedisServer(tmp_path)).pid, signal.SIGKILL)
    again = launcher("up", tmp_path)
    assert re.search(r"redis +started", again.stdout)
    assert re.search(r"kafka +already up", again.stdout)
    settings = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    with redis.Redis.from_url(settings["TEST_REDIS_URL"]) as client:
        assert client.get("order") == b"placed"
    assert settings["SECRET_KEY"] == secret_key
    assert launcher("status", tmp_path).returncode == 0

    processes = [running(RedisServer(tmp_path)), running(KafkaServer(tmp_path))]
    processes[1].kill()
    assert launcher("down", tmp_path).returncode == 0
    assert not [process for process in processes if process.alive]
    assert not list(tmp_path.glob("*.pid"))
    assert not (tmp_path / "env").exists()
    assert launcher("status", tmp_path).returncode == 1
    PostgresServer(tmp_path).remove()


def test_a_missing_java_is_named_with_what_mends_it_and_the_rest_runs(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if redis_server := shutil.which("redis-server"):  # the only one there is, from Python 3.13 on
        (programs / "redis-server").symlink_to(redis_server)
    try:
        result = launcher("up", tmp_path, PATH=str(programs), JAVA_HOME="")
        assert result.returncode == 1
        assert "java is not installed. To mend it: apt-get install openjdk-17-jre-headless" in result.stderr
        assert re.search(r"redis +started", result.stdout)
    finally:
        launcher("down", tmp_path)
        PostgresServer(tmp_path).remove()


def test_a_missing_redis_is_named_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingProgramError, match=r"redis-server .* apt-get install redis-server"):
        redis_server()


def test_a_missing_maven_matters_only_while_the_jars_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = jars()
    monkeypatch.setenv("PATH", "")
    assert jars() == fetched
    monkeypatch.setenv("ORDER_SERVICE_CACHE", str(tmp_path))
    with pytest.raises(MissingProgramError, match=r"mvn .* apt-get install maven"):
        jars()


def running(server: RedisServer | KafkaServer) -> Process:
    process = server.process
    assert process
    return process


def launcher(action: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.services", action, "--folder", str(folder)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

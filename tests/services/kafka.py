"""The real Apache Kafka: broker and controller in one JVM, its jars fetched by Maven."""

import asyncio
import base64
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from tests.services.process import Process
from tests.services.server import ROOT, MissingProgramError, Server, ServiceError, accepts, free_port

HERE = Path(__file__).parent
POM = HERE / "kafka-pom.xml"
TOPICS = {
    "order_management_service": 6,
    "payments": 3,
    "shipments": 3,
    "order_management_service.dead_letter": 1,
}
"""Name and number of partitions."""

MAX_MESSAGE_BYTES = 1024 * 1024
"""A larger batch, as compressed by the client, is refused with MessageSizeTooLarge (Kafka's own default)."""

PROPERTIES = f"""\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT

auto.create.topics.enable=false
num.partitions=3
message.max.bytes={MAX_MESSAGE_BYTES}

# one broker
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# quick: groups form at once; after kill -9 a new process waits for the end of the old one's session (not 9 s)
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=150

# small
offsets.topic.num.partitions=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.num.partitions=1
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=4
"""
JVM = ["-Xms256m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
"""A quick start and little memory before throughput. KAFKA_OPTS is appended, and so wins."""


class KafkaServer(Server):
    """A broker with `topics`, made when they are missing and left alone when they are there."""

    name: ClassVar[str] = "kafka"
    port_setting: ClassVar[str] = "SERVICES_KAFKA_PORT"

    def __init__(
        self, folder: Path, port: int = 0, *, detached: bool = False, topics: Mapping[str, int] = TOPICS
    ) -> None:
        super().__init__(folder, port, detached=detached)
        self._topics = dict(topics)

    @property
    def bootstrap_servers(self) -> str:
        return self.address

    @property
    def env(self) -> dict[str, str]:
        return {"TEST_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers}

    def client_options(self) -> dict[str, Any]:
        """What aiokafka's clients need to get in."""
        return {"bootstrap_servers": self.bootstrap_servers}

    def properties(self) -> str:
        """What is in its configuration beside PROPERTIES, and wins."""
        return ""

    def format_options(self) -> list[str]:
        return []

    def command(self) -> list[str]:
        if not self.data.exists():
            self._format()
        return self._java("kafka.Kafka", str(self._configuration(self.data)))

    def serves(self, process: Process) -> bool:
        """Not `process`, the cluster's id tells whose answer it is."""
        # On a thread of its own: the caller may be inside a running loop.
        with ThreadPoolExecutor(1) as aside:
            return accepts(self.port) and aside.submit(asyncio.run, self._serves()).result()

    async def _serves(self) -> bool:
        admin = AIOKafkaAdminClient(**self.client_options(), request_timeout_ms=5000)
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
            if cluster["cluster_id"] != self._cluster_id() or not cluster["brokers"]:
                return False
            missing = self._topics.keys() - await admin.list_topics()
            await admin.create_topics([NewTopic(name, self._topics[name], 1) for name in missing])
            topics = await admin.describe_topics(list(self._topics))
            partitions = [partition for topic in topics for partition in topic["partitions"]]
            return len(topics) == len(self._topics) and all(each["leader"] == 1 for each in partitions)
        except (KafkaError, TimeoutError):
            return False
        finally:
            await admin.close()

    def _format(self) -> None:
        """The data folder appears whole or not at all."""
        for abandoned in self.folder.glob(f"{self.name}.new-*"):  # its launcher was killed
            shutil.rmtree(abandoned, ignore_errors=True)
        draft = self.folder / f"{self.name}.new-{os.getpid()}"
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With "=", since one in 64 of these ids begins with a hyphen.
        tool = ["kafka.tools.StorageTool", "format", "--standalone", f"--cluster-id={cluster}"]
        run(self._java(*tool, "--config", str(self._configuration(draft)), *self.format_options()))
        draft.rename(self.data)

    def _configuration(self, data: Path) -> Path:
        controller = f"127.0.0.1:{free_port()}"
        file = self.folder / f"{self.name}.properties"
        file.write_text(
            f"{PROPERTIES}\nlog.dirs={data}\nlisteners=CLIENT://{self.address},CONTROLLER://{controller}\n"
            f"advertised.listeners=CLIENT://{self.address}\ncontroller.quorum.bootstrap.servers={controller}\n"
            f"{self.properties()}\n"
        )
        return file

    def _java(self, *arguments: str) -> list[str]:
        home = os.environ.get("JAVA_HOME")
        java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
        if java is None:
            raise MissingProgramError("java", "apt-get install openjdk-17-jre-headless")
        options = [*JVM, *os.environ.get("KAFKA_OPTS", "").split()]
        logging = f"-Dlog4j2.configurationFile={HERE / 'kafka-log4j2.properties'}"
        return [java, *options, logging, "-cp", f"{jars()}/*", *arguments]

    def _cluster_id(self) -> str:
        found = re.search(r"^cluster\.id=(.+)$", (self.data / "meta.properties").read_text(), re.MULTILINE)
        assert found
        return found[1].replace("\\", "")


def jars() -> Path:
    """The folder with Kafka's jars, fetched by Maven (44 MB) the first time and after a change of the pom.

    It is in `var/cache`, or where ORDER_SERVICE_CACHE says.
    """
    pom = POM.read_text()
    version = re.search(r"<kafka\.version>(.+)</kafka\.version>", pom)
    assert version
    cache = Path(os.environ.get("ORDER_SERVICE_CACHE", ROOT / "var" / "cache")).resolve()
    home = cache / f"kafka-{version[1]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # others wait instead of fetching the same
        fetched = home / POM.name
        if not (fetched.exists() and fetched.read_text() == pom):
            _fetch(home)
    return home


def _fetch(home: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingProgramError("mvn", "apt-get install maven")
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="kafka-") as draft:
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={draft}/jars"]
        run([maven, "-q", "-B", "-C", "-Dstyle.color=never", "-f", str(POM), *goal])
        shutil.copy(POM, f"{draft}/jars")
        if home.exists():
            home.rename(f"{draft}/old")
        Path(draft, "jars").rename(home)


def run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        said = "\n  ".join(done.stdout.splitlines()[-15:])
        raise ServiceError(f"{' '.join(command)} failed:\n  {said}")

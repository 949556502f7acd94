"""Apache Kafka in a container, for machines where a Docker engine answers."""

from testcontainers.community.kafka import KafkaContainer

from tests.parts.kafka_process import START_SECONDS, free_port

IMAGE = "confluentinc/cp-kafka:8.0.0"


class BrokerContainer:
    """A broker whose container, and with it data and port, outlives a kill."""

    def __init__(self) -> None:
        self.bootstrap = ""
        # The host's port is fixed here, because Docker would choose another one at the next start.
        self._kafka = KafkaContainer(IMAGE).with_kraft().with_bind_ports(9093, free_port())
        self._kafka.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false").with_env("KAFKA_NUM_PARTITIONS", "4")

    def start(self) -> None:
        if self.bootstrap:
            self._kafka.get_wrapped_container().start()
        else:
            self._kafka.start(timeout=START_SECONDS)
            self.bootstrap = self._kafka.get_bootstrap_server()

    def kill(self) -> None:
        self._kafka.get_wrapped_container().kill("SIGKILL")

    def pause(self) -> None:
        self._kafka.get_wrapped_container().pause()

    def resume(self) -> None:
        self._kafka.get_wrapped_container().unpause()

    def remove(self) -> None:
        self._kafka.stop()

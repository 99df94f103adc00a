"""A single Kafka broker in KRaft mode: writes its configuration, formats its storage once, becomes Java.

Ports are those that the document's ServiceEntry names. Environment: `POD_HOST` is the name that clients are
told to connect to; `CERTIFICATES` a directory with tls.pem (key and chain) and ca.crt; `DATA` the storage;
`SCRAM_USER`, `SCRAM_PASSWORD` the one user of the SASL listeners; `HEAP` Java's `-Xmx`.
"""

import os
import subprocess
import sys

LIBS = "/opt/kafka/libs"
CLUSTER_ID = "aGF1YmVyay1rYWZrYS0wMA"  # 16 bytes in base64; a cluster of one broker needs no other
# Listener, port, security protocol, whether a client certificate is demanded.
LISTENERS = (
    ("PLAIN", 9092, "PLAINTEXT", ""),
    ("TLS", 9093, "SSL", "required"),
    ("SASL", 9094, "SASL_SSL", "none"),
    ("SASLPLAIN", 9095, "SASL_PLAINTEXT", ""),
    ("TLSNOAUTH", 9096, "SSL", "none"),
)
LOG4J = """log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{1} %m%n
log4j.logger.kafka.server.KafkaRaftServer=INFO
"""


def properties(host: str, data: str, certificates: str) -> str:
    """server.properties of a broker that is its own controller."""
    rows = {
        "process.roles": "broker,controller",
        "node.id": "0",
        "controller.quorum.voters": "0@127.0.0.1:9191",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAIN",
        "listeners": ",".join([*(f"{n}://:{p}" for n, p, _, _ in LISTENERS), "CONTROLLER://127.0.0.1:9191"]),
        "advertised.listeners": ",".join(f"{n}://{host}:{p}" for n, p, _, _ in LISTENERS),
        "listener.security.protocol.map": ",".join(
            [*(f"{n}:{s}" for n, _, s, _ in LISTENERS), "CONTROLLER:PLAINTEXT"]
        ),
        "log.dirs": data,
        "num.partitions": "1",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "log.segment.bytes": str(64 << 20),
        "log.index.size.max.bytes": str(1 << 20),
        "log.cleaner.dedupe.buffer.size": str(4 << 20),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
    }
    for name, _, protocol, client in LISTENERS:
        prefix = f"listener.name.{name.lower()}"
        if protocol.endswith("SSL"):
            rows[f"{prefix}.ssl.keystore.type"] = "PEM"
            rows[f"{prefix}.ssl.keystore.location"] = f"{certificates}/tls.pem"
            rows[f"{prefix}.ssl.truststore.type"] = "PEM"
            rows[f"{prefix}.ssl.truststore.location"] = f"{certificates}/ca.crt"
            rows[f"{prefix}.ssl.client.auth"] = client
        if protocol.startswith("SASL"):
            rows[f"{prefix}.sasl.enabled.mechanisms"] = "SCRAM-SHA-512"
            rows[f"{prefix}.scram-sha-512.sasl.jaas.config"] = (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
    return "".join(f"{key}={value}\n" for key, value in rows.items())


def main() -> None:
    """Write the files, format what is not formatted, become the broker."""
    data, certificates = os.environ["DATA"], os.environ["CERTIFICATES"]
    os.makedirs(data, exist_ok=True)
    config = "/tmp/server.properties"
    with open(config, "w") as file:
        file.write(properties(os.environ["POD_HOST"], data, certificates))
    with open("/tmp/log4j.properties", "w") as file:
        file.write(LOG4J)
    java = [
        os.environ["JAVA"],
        f"-Xmx{os.environ.get('HEAP', '256m')}",
        "-Xms64m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xshare:auto",
        "-Djava.awt.headless=true",
        "-Dlog4j.configuration=file:/tmp/log4j.properties",
        "-cp",
        f"{LIBS}/*",
    ]
    if not os.path.exists(f"{data}/meta.properties"):
        user, password = os.environ["SCRAM_USER"], os.environ["SCRAM_PASSWORD"]
        scram = f"SCRAM-SHA-512=[name={user},password={password}]"
        done = subprocess.run(
            [
                *java,
                "kafka.tools.StorageTool",
                "format",
                "-t",
                CLUSTER_ID,
                "-c",
                config,
                "--add-scram",
                scram,
            ],
            check=False,
        )
        if done.returncode:
            sys.exit(done.returncode)
    os.execv(java[0], [*java, "kafka.Kafka", config])


main()

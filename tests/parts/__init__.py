"""The real parts the connected tests stand on: PostgreSQL, Apache Kafka and a browser."""

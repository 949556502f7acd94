"""The mechanism under the services: ledgers, readers, the vault and the bus."""

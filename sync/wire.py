"""What the gateway and the office say to each other, version 1: pure records, their bounds and their bytes."""

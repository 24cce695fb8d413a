"""Real boards, on serial ports: measured by their own clocks, counted by nobody."""

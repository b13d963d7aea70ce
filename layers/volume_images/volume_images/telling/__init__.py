"""Who else hears of a run: a bus of events, a watch that waits for a beat, people."""

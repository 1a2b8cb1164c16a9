"""What every long training shares: launch, states, resume, events, progress and curves."""

"""Every optimizer against the others: loss against time, from one start and under one budget."""

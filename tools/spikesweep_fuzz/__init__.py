"""Makes damaged and hostile inputs of spikesweep, and watches what the program does with them."""

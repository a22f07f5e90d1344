"""Networks: layers, losses, optimizers, schedules, and the machinery that takes batches through them."""

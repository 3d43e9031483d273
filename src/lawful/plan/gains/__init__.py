"""What a change is worth beside the plain model of the same law: experts, zeros, teachers, pruning, fewer bits."""

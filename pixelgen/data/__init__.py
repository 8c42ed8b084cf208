"""Pictures on their way to a model: fitting, augmentation, splits, scans, contexts, batches."""

"""Pictures encoded once, as files of tokens that training maps into memory."""

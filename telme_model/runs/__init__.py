"""What is known of a run without loading its networks: settings, folder, log, records, costs, queue, problems."""

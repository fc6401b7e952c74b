"""What is open, chosen, labelled and shown: the one place where all panels meet."""

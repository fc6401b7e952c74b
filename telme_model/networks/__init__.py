"""The networks: one encoder a modality, the fusion, their losses, and what they are fed and run on."""

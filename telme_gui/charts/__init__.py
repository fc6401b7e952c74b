"""What a run is worth on a part of the corpus, and why: one page a question."""

from telme_gui.charts.charts import Charts

__all__ = ["Charts"]

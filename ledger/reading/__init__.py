"""Reading the ledger for people: the chart, an envelope's life, the story of one transfer."""

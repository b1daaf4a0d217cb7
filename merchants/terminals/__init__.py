"""Which till or reader stands in which site: enrolment, its key, its state, and the till's page."""

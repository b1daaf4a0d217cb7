"""What the migrations know of the rooms: schemas, modules with tables, files with SQL functions."""

SCHEMAS = ("platform", "ledger", "cardsvc", "merchants")

MODEL_MODULES = (
    "sesame.platform.scheme",
    "sesame.platform.jobs.model",
    "sesame.platform.identity.model",
    "ledger.model",
    "ledger.accounting.model",
    "ledger.reading.model",
    "cardsvc.people.model",
    "cardsvc.schools.model",
    "cardsvc.programmes.model",
    "cardsvc.cards.model",
    "merchants.directory.model",
    "merchants.conventions.model",
    "merchants.terminals.model",
    "merchants.purchases.model",
    "merchants.reimbursements.model",
)

FUNCTION_FILES = (
    "sesame/platform/database/functions.sql",
    "ledger/sql/years.sql",
    "ledger/sql/accounts.sql",
    "ledger/sql/rules.sql",
    "ledger/sql/appending.sql",
    "ledger/sql/posting.sql",
    "ledger/sql/keys.sql",
    "ledger/sql/grants.sql",
    "ledger/sql/holds.sql",
    "ledger/sql/corrections.sql",
    "ledger/sql/entitlements.sql",
    "ledger/sql/tickets.sql",
    "ledger/sql/closing.sql",
    "ledger/sql/reading.sql",
    "ledger/sql/sealing.sql",
    "ledger/sql/rights.sql",
    "ledger/sql/accounting.sql",
    "ledger/sql/envelopes.sql",
    "cardsvc/people/functions.sql",
    "cardsvc/programmes/functions.sql",
    "cardsvc/cards/functions.sql",
    "merchants/terminals/functions.sql",
    "merchants/purchases/functions.sql",
)

"""What the migrations know of the rooms: schemas, modules with tables, files with SQL functions."""

SCHEMAS = ("platform", "ledger", "cardsvc", "merchants")

MODEL_MODULES = (
    "sesame.platform.scheme",
    "sesame.platform.jobs.model",
    "sesame.platform.identity.model",
    "ledger.model",
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
    "ledger/functions.sql",
    "cardsvc/people/functions.sql",
    "cardsvc/programmes/functions.sql",
    "cardsvc/cards/functions.sql",
    "merchants/terminals/functions.sql",
    "merchants/purchases/functions.sql",
)

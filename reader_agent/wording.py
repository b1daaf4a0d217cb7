"""The agent's sentences, French first: for a cashier with a queue behind, or the shop's owner.

The agent runs without the server's translation library, so its few sentences stand here in both
languages side by side, each under its stable code.
"""

from typing import Literal

Lang = Literal["fr", "en"]

_SENTENCES: dict[str, tuple[str, str]] = {
    # Outcomes
    "approved": ("ACCEPTÉ", "APPROVED"),
    "partial": ("ACCEPTÉ EN PARTIE", "PARTLY APPROVED"),
    "refused": ("REFUSÉ", "REFUSED"),
    "answer_unknown": ("RÉPONSE INCONNUE, ON VÉRIFIE", "ANSWER UNKNOWN, CHECKING"),
    "not_made": ("VENTE NON FAITE", "NO SALE"),
    "card_pays": ("La carte paie {amount}", "The card pays {amount}"),
    "to_collect": ("Reste à encaisser {amount}", "Still to collect {amount}"),
    "authorisation": ("Autorisation {text}", "Authorisation {text}"),
    "answer_unknown_what_now": (
        "Ne refaites pas la vente. Lancez « sesame-reader check » pour connaître la réponse.",
        'Do not make the sale again. Run "sesame-reader check" to learn the answer.',
    ),
    "code": ("Code : {text}", "Code: {text}"),
    # Amounts and baskets
    "amount_malformed": (
        "Le montant ne se lit pas. Tapez par exemple 12,40.",
        "The amount cannot be read. Type for example 12.40.",
    ),
    "amount_not_positive": (
        "Le montant doit être supérieur à zéro.",
        "The amount must be more than zero.",
    ),
    "amount_fraction_of_cent": (
        "Un montant a deux chiffres au plus après la virgule.",
        "An amount has two decimals at most.",
    ),
    "amount_too_large": (
        "Le montant dépasse 10 000 €. Vérifiez la saisie.",
        "The amount exceeds €10,000. Check what you typed.",
    ),
    "basket_empty": ("Le panier est vide.", "The basket is empty."),
    "idempotency_key_reused": (
        "Cette clé est déjà celle d'une vente d'un autre montant.",
        "This key already belongs to a sale of another amount.",
    ),
    # The QR
    "qr_malformed": (
        "Ce code n'est pas un code de la carte. Demandez au client d'ouvrir sa carte.",
        "This code is not a card's. Ask the customer to open their card.",
    ),
    "qr_too_long": (
        "Ce code n'est pas un code de la carte. Demandez au client d'ouvrir sa carte.",
        "This code is not a card's. Ask the customer to open their card.",
    ),
    "issuer_unknown": (
        "Cette carte vient d'une autre région, qui n'est pas acceptée ici.",
        "This card is from another region, which is not accepted here.",
    ),
    "token_signature_invalid": (
        "Ce code n'est pas authentique.",
        "This code is not genuine.",
    ),
    "token_expired": (
        "La carte du téléphone doit être mise à jour : demandez au client de se connecter.",
        "The phone's card must be refreshed: ask the customer to go online.",
    ),
    "token_not_yet_valid": (
        "L'horloge de ce poste semble en retard. Lancez « sesame-reader check ».",
        'The clock of this computer seems to be late. Run "sesame-reader check".',
    ),
    "proof_signature_invalid": (
        "Ce code n'est pas authentique.",
        "This code is not genuine.",
    ),
    "proof_expired": (
        "Ce code est trop ancien. Demandez au client de montrer le code à l'écran, pas une photo.",
        "This code is too old. Ask the customer to show the code on screen, not a picture.",
    ),
    "proof_from_future": (
        "L'heure du téléphone et celle de ce poste diffèrent. Lancez « sesame-reader check ».",
        'The phone and this computer disagree about the time. Run "sesame-reader check".',
    ),
    "nothing_presented": ("Aucun code n'a été présenté.", "No code was shown."),
    # Enrolment and server
    "not_enrolled": (
        "Ce poste n'est pas enregistré. Lancez « sesame-reader enrol » avec le code reçu.",
        'This computer is not enrolled. Run "sesame-reader enrol" with the code you received.',
    ),
    "already_enrolled": (
        "Ce poste est déjà enregistré. Ajoutez --replace pour remplacer son enregistrement.",
        "This computer is already enrolled. Add --replace to replace its enrolment.",
    ),
    "enrolment_unreadable": (
        "L'enregistrement de ce poste est illisible. Demandez un nouveau code, puis lancez "
        "« sesame-reader enrol --replace ».",
        "This computer's enrolment cannot be read. Ask for a new code, then run "
        '"sesame-reader enrol --replace".',
    ),
    "enrolment_answer_lost": (
        "La réponse du serveur s'est perdue. Le code a peut-être servi : demandez-en un autre.",
        "The server's answer was lost. The code may be used up: ask for another.",
    ),
    "server_url_malformed": (
        "L'adresse du serveur ne se lit pas. Exemple : https://carte.example.fr",
        "The server's address cannot be read. Example: https://carte.example.fr",
    ),
    "server_not_https": (
        "L'adresse du serveur doit commencer par https://.",
        "The server's address must begin with https://.",
    ),
    "server_unreachable": (
        "Le serveur ne répond pas. Vérifiez la connexion internet. Rien n'a été enregistré.",
        "The server does not answer. Check the internet connection. Nothing was booked.",
    ),
    "server_refused": (
        "Le serveur a refusé la demande.",
        "The server refused the request.",
    ),
    "server_answer_unreadable": (
        "La réponse du serveur ne se lit pas. Vérifiez son adresse.",
        "The server's answer cannot be read. Check its address.",
    ),
    "enrolled": (
        "Poste enregistré : {site}, {merchant}.",
        "Computer enrolled: {site}, {merchant}.",
    ),
    # What `check` says
    "all_well": ("Tout va bien : {site} peut encaisser.", "All is well: {site} can sell."),
    "clock_slow": (
        "L'horloge de ce poste retarde de {seconds} s. Réglez-la.",
        "The clock of this computer is {seconds} s slow. Set it.",
    ),
    "clock_fast": (
        "L'horloge de ce poste avance de {seconds} s. Réglez-la.",
        "The clock of this computer is {seconds} s fast. Set it.",
    ),
    "terminal_suspended": (
        "Ce terminal est suspendu. Appelez le service partenaires.",
        "This terminal is suspended. Call partner support.",
    ),
    "terminal_revoked": (
        "Ce terminal a été retiré. Demandez un nouveau code, puis lancez "
        "« sesame-reader enrol --replace ».",
        'This terminal was withdrawn. Ask for a new code, then run "sesame-reader enrol --replace".',
    ),
    "terminal_not_active": (
        "Ce terminal n'est pas actif. Appelez le service partenaires.",
        "This terminal is not active. Call partner support.",
    ),
    "convention_not_active": (
        "La convention du magasin n'est pas active : les ventes par carte sont arrêtées. "
        "Appelez le service partenaires.",
        "The shop's agreement is not active: card sales are stopped. Call partner support.",
    ),
    "terminal_refused": (
        "Le serveur ne reconnaît pas ce terminal (code {text}). Appelez le service partenaires.",
        "The server does not recognise this terminal (code {text}). Call partner support.",
    ),
    "server_not_sesame": (
        "Le serveur répond, mais pas comme il devrait. Vérifiez son adresse.",
        "The server answers, but not as it should. Check its address.",
    ),
    "pending_decided": (
        "Vente de {amount} du {when} : {outcome}.",
        "Sale of {amount} on {when}: {outcome}.",
    ),
    "pending_not_booked": (
        "Vente de {amount} du {when} : non enregistrée, vous pouvez la refaire.",
        "Sale of {amount} on {when}: not booked, you may make it again.",
    ),
    "pending_unknown": (
        "Vente de {amount} du {when} : réponse encore inconnue, ne la refaites pas.",
        "Sale of {amount} on {when}: answer still unknown, do not make it again.",
    ),
    # The local interface
    "running": (
        "L'agent écoute sur {url} (jeton : {text}). Ctrl-C pour arrêter.",
        "The agent listens on {url} (token: {text}). Ctrl-C to stop.",
    ),
    "port_taken": (
        "Le port {text} est déjà pris. Choisissez-en un autre avec --port.",
        "Port {text} is already taken. Choose another with --port.",
    ),
}


def say(code: str, lang: Lang, **parts: object) -> str:
    """Give the sentence of a code. A code unknown here (one of the server's) stands for itself."""
    sentence = _SENTENCES.get(code)
    if sentence is None:
        return code
    return sentence[1 if lang == "en" else 0].format(**parts)

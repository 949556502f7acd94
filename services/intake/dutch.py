"""What codes and types are called on the pages, in Dutch."""

from collections.abc import Mapping

from schemas.event import NAMESPACE
from schemas.submission import RefusalRule, RejectionCode
from services.intake.fate import Status

STATUS: Mapping[Status, str] = {
    "accepted": "Aangenomen, wacht op verwerking",
    "rejected": "Afgewezen aan de poort",
    "applied": "Verwerkt",
    "refused": "Geweigerd",
}

REJECTION: Mapping[RejectionCode, str] = {
    "not-a-cloudevent": "Het bericht is geen CloudEvent.",
    "attribute-missing": "Een kenmerk van het bericht ontbreekt.",
    "attribute-invalid": "Een kenmerk van het bericht klopt niet.",
    "source-not-yours": "De bron hoort niet bij deze partner.",
    "type-unknown": "Het type bericht bestaat niet.",
    "type-not-allowed": "De partner mag dit type bericht niet sturen.",
    "outside-your-registration": "De registratie van de partner is op deze dag niet geldig.",
    "programme-unknown": "De voorziening bestaat niet.",
    "programme-not-allowed": "De partner mag voor deze voorziening niets sturen.",
    "data-missing": "Het bericht heeft geen inhoud.",
    "data-too-large": "De inhoud is te groot.",
    "field-missing": "Een veld ontbreekt.",
    "field-invalid": "Een veld is niet goed ingevuld.",
    "field-unknown": "Er is een veld dat dit type niet heeft.",
    "code-unknown": "Een code staat niet op de lijst van de voorziening.",
    "bsn-not-allowed": "Er lijkt een burgerservicenummer in te staan; dat nemen we nooit aan.",
    "occurred-in-the-future": "De dag van de gebeurtenis ligt in de toekomst.",
}

REFUSAL: Mapping[RefusalRule, str] = {
    "case-exists": "Deze casus bestaat al.",
    "case-unknown": "Deze casus is niet bekend.",
    "case-closed": "Deze casus is afgesloten.",
    "case-open": "Deze casus loopt nog.",
    "case-voided": "Deze casus is vervallen.",
    "family-differs": "De casus hoort bij een ander gezin.",
    "segment-unknown": "Dit deel van de casus is er niet.",
    "outside-programme-period": "De dag valt buiten de looptijd van de voorziening.",
    "before-opening": "De dag ligt voor de start van de casus.",
    "before-last-closing": "De dag ligt voor de laatste afsluiting.",
    "after-closing": "De dag ligt na de afsluiting.",
    "closing-before-opening": "De afsluiting ligt voor de start.",
    "segments-overlap": "Twee delen van de casus overlappen elkaar.",
    "decision-needed": "Voor deze voorziening is een beschikking nodig.",
    "age-outside-programme": "De leeftijd valt buiten de voorziening.",
    "area-unknown": "Dit gebied kent de voorziening niet.",
    "channel-unknown": "Deze aanmelder kent de voorziening niet.",
    "help-question-unknown": "Deze hulpvraag kent de voorziening niet.",
    "case-type-unknown": "Dit type casus kent de voorziening niet.",
    "closing-reason-unknown": "Deze reden van afsluiten kent de voorziening niet.",
    "outcome-unknown": "Dit resultaat kent de voorziening niet.",
    "destination-unknown": "Deze bestemming kent de voorziening niet.",
    "consulent-not-in-programme": "Deze voorziening werkt zonder consulent.",
    "family-must-agree": "Het gezin moet instemmen.",
    "referral-unknown": "Deze verwijzing is niet bekend.",
    "referral-answered": "Deze verwijzing is al beantwoord.",
    "answer-unknown": "Dit antwoord kent de voorziening niet.",
    "contact-differs": "Dit contact is eerder anders vastgelegd.",
    "referral-differs": "Deze verwijzing is eerder anders vastgelegd.",
    "later-than-statement": "Een gecorrigeerde dag ligt na de dag van de melding.",
    "not-closed": "De casus is niet afgesloten.",
}

STATEMENT: Mapping[str, str] = {
    NAMESPACE + name: title
    for name, title in {
        "enquiry.received.v1": "Aanmelding van een gezin",
        "coach.assigned.v1": "Toewijzing van een medewerker",
        "first-contact.made.v1": "Eerste gesprek",
        "contact.logged.v1": "Contact met het gezin",
        "case-type.assessed.v1": "Indeling van de casus",
        "consulent-referral.made.v1": "Verwijzing naar de consulent",
        "consulent-referral.answered.v1": "Antwoord van de consulent",
        "support.ended.v1": "Einde van de ondersteuning",
        "support.resumed.v1": "Hervatting van de ondersteuning",
        "registration.voided.v1": "Registratie vervallen",
        "registration.corrected.v1": "Correctie van een registratie",
    }.items()
}

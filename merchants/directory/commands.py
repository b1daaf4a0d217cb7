"""`sesame merchant`: the directory of those who sell."""

from typing import Any

import click

from merchants.directory.listing import ListedMerchant, list_merchants
from sesame.platform.command import print_answer, process


@click.group()
def merchant() -> None:
    """Merchants and the places where they sell."""


@merchant.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List merchants with their sites.

    Example: sesame merchant list --json
    """
    with process().database.sessions() as session:
        found = list_merchants(session)
    print_answer(
        [_as_json(each) for each in found],
        as_json=as_json,
        text="\n".join(
            f"{site.siret}  {each.name} ({site.town})" for each in found for site in each.sites
        ),
    )


def _as_json(each: ListedMerchant) -> dict[str, Any]:
    return {
        "merchant_id": each.id,
        "siren": each.siren,
        "name": each.name,
        "state": each.state,
        "sites": [
            {
                "site_id": site.id,
                "siret": site.siret,
                "name": site.name,
                "town": site.town,
                "categories": list(site.categories),
            }
            for site in each.sites
        ],
    }

"""Root fields of the account: tokens, invitations, fee estimates and addresses."""

import secrets

from node import objects
from node.fields.call import Call, field, own_node
from node.ledger import Refused
from node.models import ApiToken, UmaInvitation, new_id


@field
def create_api_token(call: Call, name, permissions):
    row = ApiToken.objects.create(
        id=new_id("ApiToken"),
        account=call.account,
        name=str(name)[:80],
        client_id=secrets.token_hex(16),
        client_secret=secrets.token_urlsafe(32),
        permissions=permissions,
    )
    return {"api_token": objects.api_token(row), "client_secret": row.client_secret}


@field
def delete_api_token(call: Call, api_token_id):
    deleted, _ = call.account.tokens.filter(pk=str(api_token_id)).delete()
    if not deleted:
        raise Refused("token not found")
    return {"__typename": "DeleteApiTokenOutput", "account": {"__typename": "Account", "id": call.account.id}}


@field
def lightning_fee_estimate_for_invoice(call: Call, node_id, encoded_payment_request, amount_msats=None):
    own_node(call, node_id)
    return {"__typename": "LightningFeeEstimateOutput", "fee_estimate": objects.money(0)}


@field
def lightning_fee_estimate_for_node(call: Call, node_id, destination_node_public_key, amount_msats):
    own_node(call, node_id)
    return {"__typename": "LightningFeeEstimateOutput", "fee_estimate": objects.money(0)}


@field
def bitcoin_fee_estimate(call: Call, network):
    return {
        "__typename": "FeeEstimate",
        "fee_fast": objects.money(2_000_000),
        "fee_min": objects.money(200_000),
    }


@field
def create_node_wallet_address(call: Call, node_id):
    node = own_node(call, node_id)
    return {
        "__typename": "CreateNodeWalletAddressOutput",
        "node": {"__typename": "LightsparkNodeWithOSK", "id": node.id},
        "wallet_address": f"sandbox-{node.public_key[:40]}",
        "multisig_wallet_address_validation_parameters": None,
    }


def _invite(call: Call, inviter_uma, *, with_incentives: bool):
    row = UmaInvitation.objects.create(
        id=new_id("UmaInvitation"),
        account=call.account,
        code=secrets.token_hex(5).upper(),
        inviter_uma=str(inviter_uma)[:255],
        with_incentives=with_incentives,
    )
    return {"invitation": objects.invitation(row)}


@field
def create_uma_invitation(call: Call, inviter_uma):
    return _invite(call, inviter_uma, with_incentives=False)


@field
def create_uma_invitation_with_incentives(call: Call, inviter_uma, inviter_phone_hash, inviter_region):
    return _invite(call, inviter_uma, with_incentives=True)


def _claim(invitation_code, invitee_uma):
    open_ones = UmaInvitation.objects.filter(code=str(invitation_code), invitee_uma="")
    if not open_ones.update(invitee_uma=str(invitee_uma)[:255]):
        raise Refused("no such open invitation")
    return {"invitation": objects.invitation(UmaInvitation.objects.get(code=str(invitation_code)))}


@field
def claim_uma_invitation(call: Call, invitation_code, invitee_uma):
    return _claim(invitation_code, invitee_uma)


@field
def claim_uma_invitation_with_incentives(
    call: Call, invitation_code, invitee_uma, invitee_phone_hash, invitee_region
):
    return _claim(invitation_code, invitee_uma)


@field
def uma_invitation_by_code(call: Call, code):
    row = UmaInvitation.objects.filter(code=str(code)).first()
    return objects.invitation(row) if row else None

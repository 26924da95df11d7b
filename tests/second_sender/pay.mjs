// A sending VASP on the JavaScript SDK. Reads one JSON object from stdin, pays, and writes what it saw to stdout.
//   address     the UMA address to pay, $name@host:port
//   currency    which of those that the receiver offers
//   lock        whose side is fixed: "receiver", the offer's least amount, or "sender", the msats that it comes to
//   payer       our user's UMA address; its domain publishes the public half of signingKey
//   signingKey  our private key, hexadecimal
//   node        where the BOLT11 is paid: the sandbox's address
import { readFileSync } from "node:fs";

import {
  InMemoryNonceValidator,
  InMemoryPublicKeyCache,
  KycStatus,
  LnurlpResponse,
  PayReqResponse,
  fetchPublicKeyForVasp,
  getPayRequest,
  getSignedLnurlpRequestUrl,
  verifyPayReqResponseSignature,
  verifyUmaLnurlpResponseSignature,
} from "@uma-sdk/core";
import { decode } from "light-bolt11-decoder";

const { address, currency, lock, payer, signingKey, node } = JSON.parse(readFileSync(0, "utf8"));
const privateKey = Uint8Array.from(Buffer.from(signingKey, "hex"));
const nonces = new InMemoryNonceValidator(Date.now() - 60_000);

// The SDK's own getVaspDomainFromUmaAddress refuses a port, which every address on one machine has.
const domainOf = (umaAddress) => umaAddress.split("@")[1];

async function text(url, options) {
  const answer = await fetch(url, { ...options, redirect: "error" });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} from ${url}: ${body}`);
  return body;
}

const post = (url, body) =>
  text(url, { method: "POST", headers: { "Content-Type": "application/json" }, body });

const keys = await fetchPublicKeyForVasp({
  cache: new InMemoryPublicKeyCache(),
  vaspDomain: domainOf(address),
});
const lookupUrl = await getSignedLnurlpRequestUrl({
  isSubjectToTravelRule: false,
  receiverAddress: address,
  senderVaspDomain: domainOf(payer),
  signingPrivateKey: privateKey,
});
const lookup = LnurlpResponse.fromJson(await text(lookupUrl));
const lookupVerified = await verifyUmaLnurlpResponseSignature(lookup, keys, nonces);

const offer = lookup.currencies.find((one) => one.code === currency);
const amount = lock === "receiver" ? offer.minSendable : lookup.minSendable;

const request = await getPayRequest({
  receiverEncryptionPubKey: keys.getEncryptionPubKey(),
  sendingVaspPrivateKey: privateKey,
  receivingCurrencyCode: currency,
  amount,
  isAmountInReceivingCurrency: lock === "receiver",
  payerIdentifier: payer,
  payerKycStatus: KycStatus.Verified,
  payerUtxos: [],
  payerNodePubKey: `02${"11".repeat(32)}`,
  utxoCallback: `http://${domainOf(payer)}/utxos`,
  umaMajorVersion: 1,
});
const response = PayReqResponse.fromJson(await post(lookup.callback, request.toJsonString()));
const answerVerified = await verifyPayReqResponseSignature(response, payer, address, keys, nonces);

const sections = Object.fromEntries(decode(response.pr).sections.map((one) => [one.name, one.value]));
const paid = JSON.parse(await post(`${node}/api/payments`, JSON.stringify({ bolt11: response.pr })));

console.log(
  JSON.stringify({
    lookupVerified,
    answerVerified,
    minSendable: lookup.minSendable,
    maxSendable: lookup.maxSendable,
    offered: lookup.currencies.map((one) => one.code),
    converted: response.converted,
    bolt11: response.pr,
    decoded: {
      amountMsats: Number(sections.amount),
      paymentHash: sections.payment_hash,
      descriptionHash: sections.description_hash,
      timestamp: sections.timestamp,
      expiry: sections.expiry,
      prefix: sections.coin_network.bech32,
    },
    paid: paid.payments.map((payment) => payment.status),
  }),
);

// A wallet on Alby's SDK (NIP-47). Reads one JSON object from stdin, answers requests until it is ended.
//   relay         the relay it listens to
//   walletSecret  its private key, hexadecimal
//   clientPubkey  the public key of the program that is connected to it
//   node          where a BOLT11 is paid: the sandbox's address
import { readFileSync } from "node:fs";

import { NWCWalletService, NWCWalletServiceKeyPair } from "@getalby/sdk/nwc";

const { relay, walletSecret, clientPubkey, node } = JSON.parse(readFileSync(0, "utf8"));
const service = new NWCWalletService({ relayUrls: [relay] });
await service.publishWalletServiceInfoEvent(walletSecret, ["pay_invoice", "get_info"], []);
await service.subscribe(new NWCWalletServiceKeyPair(walletSecret, clientPubkey), {
  async payInvoice({ invoice }) {
    const answer = await fetch(`${node}/api/payments`, { method: "POST", body: JSON.stringify({ bolt11: invoice }) });
    const { payments } = await answer.json();
    if (payments[0].status !== "SUCCESS") {
      return { result: undefined, error: { code: "PAYMENT_FAILED", message: "no" } };
    }
    return { result: { preimage: payments[0].preimage ?? "00".repeat(32), fees_paid: 0 }, error: undefined };
  },
});
console.log("listening");

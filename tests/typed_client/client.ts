// What a front end writes against the types that openapi-typescript makes of our description. It is compiled, not run.
import type { components, operations } from "./api";

type Event = components["schemas"]["Event"];
type Bought = components["schemas"]["PurchaseResponse"];
type Events = components["schemas"]["PaginatedEventList"];

// `null` where null can come: each of these refuses to compile once the description forgets it.
const lastPage: Pick<Events, "next" | "previous"> = { next: null, previous: null };
const plain: Pick<Event, "cover" | "sales_end" | "replay_until" | "canceled_at"> = {
  cover: null, sales_end: null, replay_until: null, canceled_at: null,
};
const free: Pick<Bought, "payment" | "refunds"> = { payment: null, refunds: [] };

// A client that forgets that null can come does not compile.
// @ts-expect-error
const next: string = ({} as Events).next;
// @ts-expect-error
const cover: string = ({} as Event).cover;

// States are words, not any text.
const words = (bought: Bought): string[] =>
  bought.refunds.map(({ status, reason, amount_sats, to }) => {
    const sent: boolean = status === "sent";
    return `${amount_sats} sats to ${to} (${reason}): ${sent ? "there" : "on their way"}`;
  });
// @ts-expect-error
const lost: Bought["refunds"][number]["status"] = "lost";

// A list knows its parameters by name.
const query: operations["list_events"]["parameters"]["query"] = { upcoming: "true", page_size: 5 };
// @ts-expect-error
const typo: operations["list_events"]["parameters"]["query"] = { upcomming: "true" };

export { lastPage, plain, free, next, cover, words, lost, query, typo };
